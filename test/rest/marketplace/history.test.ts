import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Caller, person } from "../../support.ts";
import {
  contentsOf,
  directChat,
  expectInvalid,
  expectRefusal,
  FOREIGN,
  history,
  ISO_TIME,
  markRead,
  NOBODYS,
  remove,
  send,
  sent,
  UUID,
} from "./chats.ts";

const START = Date.parse("2031-05-06T07:08:09.123Z");
/** The times of m1 … m5; two of them are the same millisecond. */
const TIMES = [0, 1_000, 1_000, 1_001, 5_000].map((after) => START + after);
const at = (index: number) => new Date(TIMES[index] ?? Number.NaN).toISOString();

let alice: Caller;
let bob: Caller;
let chatId: string;
let ids: string[];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: START - 1_000 });
  ({ alice, bob, chatId } = await directChat());
  ids = [];
  for (const [index, time] of TIMES.entries()) {
    vi.setSystemTime(time);
    ids.push(await sent(alice, chatId, `m${index + 1}`));
  }
});
afterEach(() => void vi.useRealTimers());

describe("GET /api/chat/:id/messages", () => {
  test("200 with a page of messages, newest first", async () => {
    await markRead(bob, chatId, [ids[4]]);
    const answer = await history(bob, chatId);
    expect(answer.status).toBe(200);
    const { messages, ...rest } = answer.body.data;
    expect(rest).toEqual({
      pagination: { page: 1, limit: 50, total: 5, totalPages: 1, hasMore: false },
    });
    expect(messages.map((message: { _id: string }) => message._id)).toEqual(ids.toReversed());
    expect(messages[0]).toStrictEqual({
      _id: expect.stringMatching(UUID),
      chatId,
      senderId: alice.userId,
      content: "m5",
      type: "text",
      replyToMessageId: null,
      attachments: [],
      reactions: [],
      readBy: [{ userId: bob.userId, readAt: expect.stringMatching(ISO_TIME) }],
      metadata: null,
      createdAt: at(4),
      updatedAt: at(4),
      editedAt: null,
      deletedAt: null,
    });
  });

  test("200 with pages that overlap nowhere and skip nothing, and an empty one past the end", async () => {
    const pages = await Promise.all(
      [1, 2, 3, 4].map((page) => contentsOf(bob, chatId, `?limit=2&page=${page}`)),
    );
    expect(pages).toEqual([["m5", "m4"], ["m3", "m2"], ["m1"], []]);
    const { pagination } = (await history(bob, chatId, "?limit=2&page=2")).body.data;
    expect(pagination).toEqual({ page: 2, limit: 2, total: 5, totalPages: 3, hasMore: true });
    const last = (await history(bob, chatId, "?limit=2&page=3")).body.data.pagination;
    expect(last).toMatchObject({ page: 3, hasMore: false });
  });

  test("200 with the oldest first on request", async () => {
    expect(await contentsOf(bob, chatId, "?order=asc&limit=2")).toEqual(["m1", "m2"]);
    expect(await contentsOf(bob, chatId, "?order=asc&limit=2&page=3")).toEqual(["m5"]);
    expect(await contentsOf(bob, chatId, "?order=desc&limit=1")).toEqual(["m5"]);
  });

  test("200 with messages created before a time, exact to the millisecond", async () => {
    const earlier = (time: string) =>
      contentsOf(bob, chatId, `?before=${encodeURIComponent(time)}`);
    expect(await earlier(at(4))).toEqual(["m4", "m3", "m2", "m1"]);
    expect(await earlier(at(3))).toEqual(["m3", "m2", "m1"]);
    expect(await earlier(at(2))).toEqual(["m1"]);
    expect(await earlier(at(0))).toEqual([]);
    expect(await earlier(new Date(START + 1).toISOString())).toEqual(["m1"]);
    expect(await earlier("2031-05-06T09:08:10.124+02:00")).toEqual(["m3", "m2", "m1"]);
    expect(await earlier("2000-01-01T00:00:00Z")).toEqual([]);
    expect(await earlier("2099-01-01T00:00:00Z")).toHaveLength(5);
  });

  test("200 with messages before a message, including those of the same millisecond", async () => {
    const earlier = (index: number) => contentsOf(bob, chatId, `?before=${ids[index]}`);
    expect(await earlier(4)).toEqual(["m4", "m3", "m2", "m1"]);
    expect(await earlier(2)).toEqual(["m2", "m1"]);
    expect(await earlier(0)).toEqual([]);
    expect(await contentsOf(bob, chatId, `?before=${ids[1]?.toUpperCase()}`)).toEqual(["m1"]);
  });

  test("200 with pages and order of the messages before one", async () => {
    const query = `?before=${ids[4]}&limit=3`;
    expect(await contentsOf(bob, chatId, `${query}&page=2`)).toEqual(["m1"]);
    expect(await contentsOf(bob, chatId, `${query}&order=asc`)).toEqual(["m1", "m2", "m3"]);
    const { pagination } = (await history(bob, chatId, query)).body.data;
    expect(pagination).toEqual({ page: 1, limit: 3, total: 4, totalPages: 2, hasMore: true });
  });

  test("200 from the oldest message of each page to the next page, until the end", async () => {
    const pages: string[][] = [];
    let query = "?limit=2";
    for (let i = 0; i < 4; i++) {
      const { messages } = (await history(bob, chatId, query)).body.data;
      pages.push(messages.map(({ content }: { content: string }) => content));
      query = `?limit=2&before=${messages.at(-1)?._id ?? ids[0]}`;
    }
    expect(pages).toEqual([["m5", "m4"], ["m3", "m2"], ["m1"], []]);
  });

  test("200 with deleted messages in their place, without content", async () => {
    await remove(alice, chatId, String(ids[2]));
    expect(await contentsOf(bob, chatId)).toEqual(["m5", "m4", "", "m2", "m1"]);
  });

  test.each([
    ["page", ["0", "-1", "x", "1.5", ""]],
    ["limit", ["0", "101", "x", "-5", ""]],
    ["order", ["up", "ASC", ""]],
    ["before", ["yesterday", "2031-13-01T00:00:00Z", "2031-05-06", "1936300000000", "no-id", ""]],
  ])("400 with a wrong %s", async (name, values) => {
    for (const value of values)
      expectInvalid(await history(bob, chatId, `?${name}=${value}`), name);
  });

  test("403 for users who are not participants", async () => {
    const mallory = await person("mallory", { role: "support" });
    expectRefusal(await history(mallory, chatId), 403, "not_a_member");
  });

  test("404 for an id that names no chat", async () => {
    for (const id of [NOBODYS, FOREIGN, String(ids[0]), "no-id"]) {
      expectRefusal(await history(bob, id), 404, "conversation_not_found");
    }
  });

  test("404 before an id that names no message of this chat", async () => {
    const other = await directChat();
    const foreign = await sent(other.alice, other.chatId, "elsewhere");
    for (const id of [foreign, FOREIGN, chatId]) {
      expectRefusal(await history(bob, chatId, `?before=${id}`), 404, "message_not_found");
    }
  });

  test("404 before a message of this chat that does not exist yet", async () => {
    const never = `${chatId.slice(0, -10)}00000000ff`;
    expectRefusal(await history(bob, chatId, `?before=${never}`), 404, "message_not_found");
  });

  test("200 and a clock that is set back does not change the order", async () => {
    vi.setSystemTime(START - 60_000);
    const { message } = (await send(bob, chatId, "m6")).body.data;
    expect(message.createdAt).toBe(at(4));
    expect(await contentsOf(bob, chatId, "?limit=2")).toEqual(["m6", "m5"]);
  });
});
