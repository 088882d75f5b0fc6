import { expect, test, vi } from "vitest";
import { ban, openUnchecked, typeOf } from "../bans/support.ts";
import { Hub, Io } from "../gateway/line.ts";
import { rowsOf } from "../inbox/watching.ts";
import { directPair, openLive } from "../support.ts";

/** How soon connections of a banned user end, with the delay of presence that is the default. */

/** What is promised, in milliseconds. */
const WITHIN_MS = 10_000;

/** How long something takes. */
async function timeOf(action: Promise<unknown>): Promise<number> {
  const before = performance.now();
  await action;
  return performance.now() - before;
}

test("connections that are opened just before the ban, and are not reported yet", async () => {
  const { bob, conversationId } = await directPair();
  const [socket, hub, io] = [
    await openLive(bob, conversationId),
    await Hub.connect(bob),
    await Io.connect(bob),
  ];
  expect(await rowsOf(bob, "presence_sources")).toEqual([]);
  await ban(bob);
  const ended = Promise.all([socket.closed, hub.line.closed, io.line.closed]);
  expect(await timeOf(ended)).toBeLessThan(WITHIN_MS);
  expect(await socket.closed).toEqual({ code: 4403, reason: "banned" });
});

test("one that is opened in the moment after the others there were ended", async () => {
  const { bob, conversationId } = await directPair();
  await openLive(bob, conversationId);
  await vi.waitFor(
    async () => expect(await rowsOf(bob, "presence_sources")).toHaveLength(1),
    5_000,
  );
  const type = await typeOf(conversationId);
  const real = type.evict;
  const calls = vi.spyOn(type, "evict").mockImplementationOnce(function (
    this: unknown,
    userId: string,
  ) {
    Reflect.apply(real, this, [userId]);
  });
  const banning = ban(bob);
  await vi.waitFor(() => expect(calls).toHaveBeenCalled());
  const late = await openUnchecked(bob, conversationId);
  await banning;
  expect(await timeOf(late.closed)).toBeLessThan(WITHIN_MS);
  expect(await late.closed).toEqual({ code: 4403, reason: "banned" });
});
