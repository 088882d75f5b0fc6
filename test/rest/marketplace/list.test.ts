import { afterEach, describe, expect, test, vi } from "vitest";
import { type Caller, person } from "../../support.ts";
import {
  archive,
  CHATS,
  chatsOf,
  directChat,
  edit,
  expectInvalid,
  groupChat,
  infoOf,
  newGroup,
  people,
  remove,
  removeFrom,
  send,
  sent,
} from "./chats.ts";

afterEach(() => void vi.useRealTimers());

/** Advances the clock by a second, so that events have different times. */
function tick() {
  if (vi.isFakeTimers()) vi.setSystemTime(Date.now() + 1_000);
  else vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
}

async function idsOf(caller: Caller, query = ""): Promise<string[]> {
  return (await chatsOf(caller, query)).map((chat: { _id: string }) => chat._id);
}

/** A user with this many groups, each of which has one message, oldest first. */
async function withGroups(count: number) {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const chatIds: string[] = [];
  for (let i = 0; i < count; i++) {
    tick();
    const chatId = await newGroup(alice, bob);
    await send(bob, chatId, `message ${i}`);
    chatIds.push(chatId);
  }
  return { alice, bob, chatIds };
}

describe("GET /api/chat", () => {
  test("200 with an empty list for a user without chats", async () => {
    const answer = await (await person()).get(CHATS);
    expect(answer.status).toBe(200);
    expect(answer.body).toStrictEqual({
      success: true,
      data: {
        chats: [],
        pagination: { page: 1, limit: 20, total: 0, totalPages: 0, hasMore: false },
      },
    });
  });

  test("200 and the list has the same fields of a chat as its info", async () => {
    const { alice, bob, chatId } = await groupChat();
    await send(alice, chatId, "hello", { metadata: { a: 1 } });
    for (const caller of [alice, bob]) {
      const { unreadCounts, ...info } = await infoOf(caller, chatId);
      expect(await chatsOf(caller)).toStrictEqual([info]);
      expect(info.unreadCount).toBe(unreadCounts[caller.userId]);
    }
  });

  test("200 with the latest message first, and chats without a message last", async () => {
    const { alice, bob, chatIds } = await withGroups(3);
    const [first, second, third] = chatIds;
    tick();
    const empty = await newGroup(alice, bob);
    tick();
    const emptier = await newGroup(alice, bob);
    expect(await idsOf(alice)).toEqual([third, second, first, emptier, empty]);
    tick();
    await send(alice, String(first), "later");
    expect(await idsOf(bob)).toEqual([first, third, second, emptier, empty]);
  });

  test("200 and edits, joins and leaves do not change the order of chats, but a deletion does", async () => {
    const { alice, bob, carol, chatId } = await groupChat();
    tick();
    const [old, newer] = [await sent(alice, chatId, "old"), await newGroup(alice, bob)];
    tick();
    await send(bob, newer, "between");
    expect(await idsOf(alice)).toEqual([newer, chatId]);
    tick();
    await edit(alice, chatId, old, "edited");
    await removeFrom(alice, chatId, carol.userId);
    expect(await idsOf(alice)).toEqual([newer, chatId]);
    const latest = await sent(alice, chatId, "latest");
    expect(await idsOf(alice)).toEqual([chatId, newer]);
    await remove(alice, chatId, latest);
    expect(await idsOf(alice)).toEqual([newer, chatId]);
  });

  test("200 with pages that together contain every chat once, and an empty page past the end", async () => {
    const { alice, chatIds } = await withGroups(5);
    const page = async (number: number) =>
      (await alice.get(`${CHATS}?limit=2&page=${number}`)).body;
    const pages = [await page(1), await page(2), await page(3), await page(4)];
    const ids = pages.map(({ data }) => data.chats.map((chat: { _id: string }) => chat._id));
    const newest = chatIds.toReversed();
    expect(ids).toEqual([newest.slice(0, 2), newest.slice(2, 4), newest.slice(4), []]);
    const common = { limit: 2, total: 5, totalPages: 3 };
    expect(pages.map(({ data }) => data.pagination)).toEqual([
      { page: 1, ...common, hasMore: true },
      { page: 2, ...common, hasMore: true },
      { page: 3, ...common, hasMore: false },
      { page: 4, ...common, hasMore: false },
    ]);
  });

  test("200 with twenty on a page by default, at most a hundred", async () => {
    const { alice } = await withGroups(21);
    expect(await chatsOf(alice)).toHaveLength(20);
    expect(await chatsOf(alice, "?page=2")).toHaveLength(1);
    expect(await chatsOf(alice, "?limit=100")).toHaveLength(21);
  });

  test("200 with one type; purchase-request chats are direct chats", async () => {
    const [alice, bob] = await people(2);
    if (!alice || !bob) throw new Error("two people");
    const created = async (path: string, body: object) =>
      (await alice.post(CHATS + path, body)).body.data.chat._id;
    const direct = await created("", { participantIds: [bob.userId] });
    const group = await created("", { participantIds: [bob.userId], type: "group" });
    const support = await created("/support", {});
    const request = await created("/purchase-request", {
      purchaseRequestId: "r",
      sellerId: bob.userId,
    });
    await alice.post("/api/v1/chat/channels", { name: "A channel", isPublic: true });
    const sorted = async (query: string) => (await idsOf(alice, query)).sort();
    expect(await sorted("?type=direct")).toEqual([direct, request].sort());
    expect(await sorted("?type=group")).toEqual([group]);
    expect(await sorted("?type=support")).toEqual([support]);
    expect(await sorted("")).toEqual([direct, group, support, request].sort());
    const { pagination } = (await alice.get(`${CHATS}?type=direct`)).body.data;
    expect(pagination).toMatchObject({ total: 2, totalPages: 1 });
  });

  test("200 with archived chats among the others, or only those, on request", async () => {
    const { alice, bob, chatIds } = await withGroups(3);
    const [first, second, third] = chatIds;
    await archive(alice, String(second));
    expect(await idsOf(alice)).toEqual([third, second, first]);
    expect(await idsOf(alice, "?archived=true")).toEqual([second]);
    expect(await idsOf(alice, "?archived=false")).toEqual([third, first]);
    expect(await idsOf(alice, "?archived=true&type=direct")).toEqual([]);
    expect(await idsOf(bob, "?archived=true")).toEqual([]);
    const { pagination } = (await alice.get(`${CHATS}?archived=false&limit=1`)).body.data;
    expect(pagination).toMatchObject({ total: 2, totalPages: 2, hasMore: true });
  });

  test("200 with the caller's unread count, without their own messages", async () => {
    const { alice, bob, chatId } = await directChat();
    await send(alice, chatId, "one");
    await send(alice, chatId, "two");
    await send(bob, chatId, "three");
    expect(await chatsOf(alice)).toMatchObject([{ unreadCount: 1 }]);
    expect(await chatsOf(bob)).toMatchObject([{ unreadCount: 2 }]);
  });

  test("200 without chats that the caller left", async () => {
    const { bob, chatId } = await groupChat();
    await removeFrom(bob, chatId, bob.userId);
    expect(await chatsOf(bob)).toEqual([]);
  });

  test.each([
    ["page", ["0", "-1", "x", "1.5", "", "99999999999999999"]],
    ["limit", ["0", "101", "-1", "x", "2.5", ""]],
    ["type", ["channel", "purchase-request", "Direct", ""]],
    ["archived", ["yes", "1", ""]],
  ])("400 with a wrong %s", async (name, values) => {
    const caller = await person();
    for (const value of values) expectInvalid(await caller.get(`${CHATS}?${name}=${value}`), name);
  });
});
