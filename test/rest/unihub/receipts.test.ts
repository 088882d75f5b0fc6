import { afterEach, describe, expect, test, vi } from "vitest";
import { acked } from "../../live/answer.ts";
import { type Caller, channelOf, directPair, groupOf, openLive, person } from "../../support.ts";
import { pathsOf } from "../requests.ts";
import {
  add,
  channel,
  erase,
  expectError,
  expectUnauthenticated,
  message,
  newest,
  noMessages,
  readersOf,
  remove,
  sent,
} from "./client.ts";

afterEach(() => {
  vi.useRealTimers();
});

function receipts(caller: Caller, messageId: string, query = "") {
  return caller.get(message(messageId, `/read-receipts${query}`));
}

/** Advances the clock by a second; returns the new time as an ISO string. */
function later(): string {
  vi.setSystemTime(Date.now() + 1_000);
  return new Date().toISOString();
}

/** A group of Alice, who sends six messages, Bob and Carol. */
async function sixMessages() {
  vi.useFakeTimers({ toFake: ["Date"] });
  const [alice, bob, carol] = await Promise.all([person("alice"), person("bob"), person("carol")]);
  const group = await groupOf(alice, bob, carol);
  const ids: string[] = [];
  for (let i = 0; i < 6; i++) ids.push(await sent(alice, group, `message ${i}`));
  /** When a user read each of the messages; null for unread ones. */
  const readAt = (of: Caller) =>
    Promise.all(
      ids.map(async (id) => {
        const { body } = await receipts(alice, id);
        return body.find(({ userId }: { userId: string }) => userId === of.userId)?.readAt ?? null;
      }),
    );
  return { alice, bob, carol, group, ids, readAt };
}

describe("200", () => {
  test("lists the readers and times, earliest first", async () => {
    const { alice, bob, carol, ids } = await sixMessages();
    const [id = ""] = ids;
    expect(await receipts(alice, id)).toMatchObject({ status: 200, body: [] });
    const first = later();
    await carol.post(message(id, "/read"));
    const second = later();
    await bob.post(message(id, "/read"));
    for (const caller of [alice, bob, carol]) {
      expect((await receipts(caller, id.toUpperCase())).body).toEqual([
        { userId: carol.userId, readAt: first },
        { userId: bob.userId, readAt: second },
      ]);
    }
  });

  test("is exact when single messages are read and then all", async () => {
    const { bob, group, ids, readAt } = await sixMessages();
    const b = await openLive(bob, group);
    const first = later();
    await acked(b, { op: "read", messageIds: [ids[4], ids[1]] });
    expect(await readAt(bob)).toEqual([null, first, null, null, first, null]);
    const second = later();
    await acked(b, { op: "read", upTo: ids[2] });
    expect(await readAt(bob)).toEqual([second, first, second, null, first, null]);
    const third = later();
    await acked(b, { op: "read" });
    expect(await readAt(bob)).toEqual([second, first, second, third, first, third]);
  });

  test("is exact when all are read and then single ones, and in every order between", async () => {
    const { alice, bob, group, ids, readAt } = await sixMessages();
    const b = await openLive(bob, group);
    const first = later();
    await acked(b, { op: "read", upTo: ids[1] });
    ids.push(await sent(alice, group));
    const second = later();
    await bob.post(message(ids[6] ?? "", "/read"));
    await bob.post(message(ids[0] ?? "", "/read"));
    const third = later();
    await acked(b, { op: "read", messageIds: [ids[3]] });
    await acked(b, { op: "read", upTo: ids[0] });
    const fourth = later();
    await acked(b, { op: "read" });
    later();
    await acked(b, { op: "read" });
    expect(await readAt(bob)).toEqual([first, first, fourth, third, fourth, fourth, second]);
  });

  test("never lists the author, although messages around theirs are read", async () => {
    const { alice, bob, group } = await sixMessages();
    const own = await sent(bob, group);
    await sent(alice, group);
    const b = await openLive(bob, group);
    await acked(b, { op: "read" });
    await bob.post(message(own, "/read"));
    const a = await openLive(alice, group);
    await acked(a, { op: "read" });
    expect(await readersOf(bob, own)).toEqual([alice.userId]);
  });

  test("does not list a member who joined later and read all, until they read the earlier messages", async () => {
    const { alice, group, ids, readAt } = await sixMessages();
    const dave = await person("dave");
    await add(alice, group, dave);
    ids.push(await sent(alice, group));
    const first = later();
    const d = await openLive(dave, group);
    await acked(d, { op: "read" });
    expect(await readAt(dave)).toEqual([...Array(6).fill(null), first]);
    const second = later();
    await acked(d, { op: "read", messageIds: [ids[2]] });
    expect(await readAt(dave)).toEqual([null, null, second, null, null, null, first]);
  });

  test("keeps a former member; messages sent in their absence are not read by them", async () => {
    const { alice, bob, group, ids, readAt } = await sixMessages();
    const first = later();
    await bob.post(message(ids[0] ?? "", "/read"));
    await remove(bob, group, bob);
    ids.push(await sent(alice, group));
    expect(await readAt(bob)).toEqual([first, ...Array(6).fill(null)]);
    await add(alice, group, bob);
    ids.push(await sent(alice, group));
    const second = later();
    await acked(await openLive(bob, group), { op: "read" });
    expect(await readAt(bob)).toEqual([first, ...Array(6).fill(null), second]);
  });

  test("is exact around deleted messages", async () => {
    const { alice, bob, carol, group, ids, readAt } = await sixMessages();
    const first = later();
    await bob.post(message(ids[2] ?? "", "/read"));
    for (const i of [1, 2, 4]) await erase(alice, group, ids[i] ?? "");
    const second = later();
    await acked(await openLive(bob, group), { op: "read", upTo: ids[3] });
    expect(await readAt(bob)).toEqual([second, null, first, second, null, null]);
    await acked(await openLive(carol, group), { op: "read" });
    expect(await readersOf(alice, ids[3] ?? "")).toEqual([bob.userId, carol.userId]);
  });

  test("of a deleted message: those who read it before the deletion, and no one later", async () => {
    const { alice, bob, carol, group, ids } = await sixMessages();
    const [, id = ""] = ids;
    await bob.post(message(id, "/read"));
    await erase(alice, group, id);
    await acked(await openLive(carol, group), { op: "read" });
    expect(await readersOf(alice, id)).toEqual([bob.userId]);
  });

  test("of a system message: empty, also if all is read", async () => {
    const { alice, bob, group } = await sixMessages();
    await add(alice, group, await person("dave"));
    const { messageId, type } = await newest(alice, group);
    expect(type).toBe("System");
    await acked(await openLive(bob, group), { op: "read" });
    expect(await readersOf(alice, messageId)).toEqual([]);
  });

  test("in pages, on request", async () => {
    const { alice, bob, carol, ids } = await sixMessages();
    const [id = ""] = ids;
    for (const reader of [carol, bob]) {
      later();
      await reader.post(message(id, "/read"));
    }
    const page = async (query: string) =>
      (await receipts(alice, id, query)).body.map(({ userId }: { userId: string }) => userId);
    expect(await page("?pageSize=1")).toEqual([carol.userId]);
    expect(await page("?pageSize=1&page=2")).toEqual([bob.userId]);
    expect(await page("?pageSize=1&page=3")).toEqual([]);
    expect(await page(`?page=${Number.MAX_SAFE_INTEGER}`)).toEqual([]);
  });
});

test.each(["page=0", "page=x", "pageSize=0", "pageSize=10001", "pageSize=-1"])(
  "400 for %s",
  async (query) => {
    const { alice, conversationId } = await directPair();
    const answer = await receipts(alice, await sent(alice, conversationId), `?${query}`);
    expectError(answer, 400, "invalid_request");
    expect(pathsOf(answer)).toEqual([query.split("=")[0]]);
  },
);

test("401 without a valid token", () =>
  expectUnauthenticated("GET", message("3fa85f64-5717-8562-b3fc-2c0000000001", "/read-receipts")));

test("403 for users who are not members: strangers and guests of a public channel", async () => {
  const [alice, stranger] = await Promise.all([person("alice"), person("stranger")]);
  const id = await channelOf(alice, [stranger]);
  const messageId = await sent(alice, id);
  expect(await readersOf(stranger, messageId)).toEqual([]);
  await stranger.post(channel(id, "/leave"));
  expectError(await receipts(stranger, messageId), 403, "not_a_member");
});

test("404 for an id that names no message", async () => {
  const { alice, conversationId } = await directPair();
  for (const id of noMessages(conversationId)) {
    expectError(await receipts(alice, id), 404, "message_not_found");
  }
});
