import { beforeAll, expect, test } from "vitest";
import { messageIdOf } from "../../../src/domain/id.ts";
import { seededId, seedMembers, seedMessages, seedReaders } from "../../conversation/seeds.ts";
import { acked } from "../../live/answer.ts";
import { type Caller, channelOf, openLive, person } from "../../support.ts";
import { message, readersOf } from "./client.ts";

const READERS = 10_000;

let owner: Caller;
let id: string;
let messageId: string;

interface Receipt {
  userId: string;
  readAt: string;
}

/**
 * A channel whose 10,000 members have read its first message, in an order different from that of
 * ids.
 */
beforeAll(async () => {
  owner = await person("owner");
  id = await channelOf(owner);
  messageId = messageIdOf(id, 1);
  await seedMembers(id, READERS);
  await seedMessages(id, 1, owner.userId);
  await seedReaders(id, READERS);
});

async function receipts(query = ""): Promise<Receipt[]> {
  return (await owner.get(message(messageId, `/read-receipts${query}`))).body;
}

test("10,000 readers are listed in the order in which they read", async () => {
  const body = await receipts();
  expect(body).toHaveLength(READERS);
  expect(new Set(body.map(({ userId }) => userId)).size).toBe(READERS);
  const times = body.map(({ readAt }) => readAt);
  expect(times).toEqual(times.toSorted());
  // 7919 is the step of the seed: the reader at second 7919 is the first member.
  expect(body[7_919]).toEqual({ userId: seededId(1), readAt: new Date(7_919_000).toISOString() });
});

test("pages follow the same order", async () => {
  const all = await receipts();
  for (const page of [1, 7, 10]) {
    const body = await receipts(`?pageSize=1000&page=${page}`);
    expect(body).toEqual(all.slice((page - 1) * 1_000, page * 1_000));
  }
  expect(await receipts("?page=2")).toEqual([]);
});

test("a reader after 10,000 others is on the next page, and the author is never listed", async () => {
  const late = await person("late");
  await late.post(`/api/v1/chat/channels/${id}/join`);
  await late.post(message(messageId, "/read"));
  await acked(await openLive(owner, id), { op: "read" });
  expect(await readersOf(owner, messageId)).not.toContain(owner.userId);
  const second = await receipts("?page=2");
  expect(second.map(({ userId }) => userId)).toEqual([late.userId]);
});
