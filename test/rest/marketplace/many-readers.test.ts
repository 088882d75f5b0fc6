import { expect, test } from "vitest";
import { seededId, seedMembers, seedMessages, seedReaders } from "../../conversation/seeds.ts";
import { groupOf, person } from "../../support.ts";

const READERS = 300;

test("a message's readBy has the first 200 of its readers", async () => {
  const alice = await person("alice");
  const chatId = await groupOf(alice, await person(), await person());
  await seedMembers(chatId, READERS);
  await seedMessages(chatId, 1, alice.userId);
  await seedReaders(chatId, READERS);
  const { body } = await alice.get(`/api/chat/${chatId}/messages`);
  const readBy: { userId: string; readAt: string }[] = body.data.messages[0].readBy;
  // The order in the seed: member `i` read at second `i * 7919 % 300`.
  const expected = Array.from({ length: READERS }, (_, i) => i + 1)
    .map((i) => ({ userId: seededId(i), at: ((i * 7_919) % READERS) * 1_000 }))
    .sort((a, b) => a.at - b.at)
    .slice(0, 200)
    .map(({ userId, at }) => ({ userId, readAt: new Date(at).toISOString() }));
  expect(readBy).toEqual(expected);
});
