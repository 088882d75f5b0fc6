import { expect, test } from "vitest";
import { directPair, send } from "../support.ts";
import { counting } from "./counters.ts";
import { seedMessages, seedScatteredReads } from "./seeds.ts";

test("the newest page reads no row once it is in memory and its reader has acted", async () => {
  const { alice, bob, conversationId } = await directPair();
  for (const content of ["one", "two"]) await send(alice, conversationId, content);
  const page = `/api/v1/chat/messages?conversationId=${conversationId}`;
  await alice.get(page);
  const rows = async (caller: typeof alice) => {
    const { rowsRead, rowsWritten } = await counting(conversationId, async () => {
      expect((await caller.get(page)).body.items).toHaveLength(2);
    });
    return [rowsRead, rowsWritten];
  };
  expect(await rows(alice)).toEqual([0, 0]);
  // Bob has done nothing so far: his membership is read, and whether figures of it are pending.
  expect(await rows(bob)).toEqual([1, 0]);
});

test("a page with its readers reads few rows, wherever it is in a history that was read in pieces", async () => {
  const { alice, bob, conversationId } = await directPair();
  await seedMessages(conversationId, 2_000, alice.userId);
  await seedScatteredReads(conversationId, bob.userId, 2_000);
  for (const page of [1, 2, 100, 200]) {
    const { rowsRead } = await counting(conversationId, async () => {
      const { body } = await alice.get(
        `/api/chat/${conversationId}/messages?limit=10&page=${page}`,
      );
      const read = body.data.messages.filter(({ readBy }: { readBy: [] }) => readBy.length > 0);
      expect(read).toHaveLength(5);
    });
    // Ten messages, two members, five ranges, and what they end with; pending figures.
    expect(rowsRead).toBeLessThanOrEqual(23);
  }
});
