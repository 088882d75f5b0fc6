import { runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { counting } from "../conversation/counters.ts";
import { recordCalls } from "../gateway/wire.ts";
import { directPair, objectOf, send } from "../support.ts";
import { openRooms } from "./room-client.ts";

test("opening and closing write a row each; a message costs a call, and no row, however many sockets", async () => {
  const { alice, bob, conversationId } = await directPair();
  const sockets = [await openRooms(alice), await openRooms(alice)];
  const message = () => send(bob, conversationId, "counted");
  await message();
  const without = await counting(conversationId, message);
  await inboxesCalled(conversationId);
  const [one, two] = sockets;
  if (!one || !two) throw new Error("unreachable");
  const opening = await counting(conversationId, () => one.open(conversationId));
  expect(opening.rowsWritten).toBe(1);
  const again = await two.open(conversationId);
  const calls = await recordCalls(conversationId);
  const withBoth = await counting(conversationId, async () => {
    await message();
    await again.next("message");
  });
  expect(calls).toEqual(["deliver"]);
  expect(withBoth.rowsWritten).toBeLessThanOrEqual(without.rowsWritten);
  const closing = await counting(conversationId, async () => {
    for (const socket of sockets) socket.send({ op: "close", conversationId });
    await again.until(() => again.end !== undefined);
    // Calls of one stub arrive in order.
    await two.open(conversationId);
  });
  // The row is deleted, and inserted again by the opening.
  expect(closing.rowsWritten).toBe(2);
});

/** Waits until the inboxes of members have answered: what they answer is stored. */
async function inboxesCalled(conversationId: string): Promise<void> {
  await vi.waitFor(async () => {
    const calls = await runInDurableObject(objectOf(conversationId), (object) => {
      // biome-ignore lint/suspicious/noExplicitAny: looks at a private field
      return (object as any).open.inboxes.calls.size;
    });
    expect(calls).toBe(0);
  });
}
