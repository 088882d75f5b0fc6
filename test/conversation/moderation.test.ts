import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { Hub, Io } from "../gateway/line.ts";
import {
  type Caller,
  channelOf,
  evict,
  groupOf,
  objectOf,
  openLive,
  person,
  send,
} from "../support.ts";
import { counting } from "./counters.ts";

/** What moderators do to a group or channel: deletions, pins, slow mode, lock, mutes, title and roles. */

const CONVERSATIONS = "/api/v1/chat/conversations";
const MESSAGES = "/api/v1/chat/messages";

async function group() {
  const [ada, bob, carl] = await Promise.all([person("ada"), person("bob"), person("carl")]);
  const groupId = await groupOf(ada, bob, carl);
  const path = `${CONVERSATIONS}/${groupId}`;
  const change = (body: object, by = ada) => by.patch(path, body);
  return { ada, bob, carl, groupId, path, change };
}

const said = async (by: Caller, conversationId: string, content = "text"): Promise<string> =>
  (await send(by, conversationId, content)).body.messageId;
const newest = async (by: Caller, conversationId: string) =>
  (await by.get(`${MESSAGES}?conversationId=${conversationId}&pageSize=1`)).body.items[0];
const later = (ms: number) => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + ms);
};

describe("a moderator's deletion", () => {
  test("says who deleted it on every transport, after a wake as well", async () => {
    const { ada, bob, carl, groupId } = await group();
    const [socket, hub, io] = [
      await openLive(bob, groupId),
      await Hub.connect(bob),
      await Io.connect(bob),
    ];
    await hub.ask("JoinConversation", groupId);
    await io.ask("join-chat-room", groupId);
    const messageId = await said(bob, groupId, "secret");
    expect((await carl.delete(`${MESSAGES}/${messageId}`)).body.code).toBe("not_the_author");
    expect((await ada.delete(`${MESSAGES}/${messageId}`)).status).toBe(200);
    const deletedBy = ada.userId;
    const { message } = await socket.next("message", ({ cause }) => cause === "deleted");
    expect(message).toMatchObject({ content: "", deletedBy });
    await hub.until("MessageDeleted", 1);
    expect(hub.all("MessageDeleted")).toMatchObject([{ messageId, deletedBy, isDeleted: true }]);
    await io.until("message-deleted", 1);
    expect(io.all("message-deleted")).toMatchObject([{ message: { _id: messageId, deletedBy } }]);
    await evict(groupId, { webSockets: "close" });
    expect(await newest(bob, groupId)).toMatchObject({ messageId, deletedBy, content: "" });
    const { body } = await bob.get(`/api/chat/${groupId}/messages`);
    expect(body.data.messages).toMatchObject([{ _id: messageId, deletedBy }]);
    const again = await openLive(bob, groupId);
    expect(again.all("sync")[0]?.messages).toMatchObject([{ deletedBy }]);
  });

  test("can be made over native sockets and both gateways; one's own names nobody", async () => {
    const { ada, bob, groupId } = await group();
    const ids = await Promise.all(
      ["a", "b", "c", "d"].map((content) => said(bob, groupId, content)),
    );
    const socket = await openLive(ada, groupId);
    socket.send({ op: "delete", id: 1, messageId: ids[0] });
    await socket.next("ack");
    const hub = await Hub.connect(ada);
    expect(await hub.ask("DeleteMessage", ids[1])).toBeNull();
    const io = await Io.connect(ada);
    const answer = await io.ask("delete-message", { chatId: groupId, messageId: ids[2] });
    expect(answer).toEqual({ success: true, data: { messageId: ids[2] } });
    expect((await bob.delete(`${MESSAGES}/${ids[3]}`)).status).toBe(200);
    const { items } = (await bob.get(`${MESSAGES}?conversationId=${groupId}`)).body;
    const by = Object.fromEntries(
      items.map((one: { messageId: string; deletedBy?: string }) => [one.messageId, one.deletedBy]),
    );
    const { userId } = ada;
    expect(by).toEqual({
      ...{ [String(ids[0])]: userId, [String(ids[1])]: userId, [String(ids[2])]: userId },
    });
  });
});

describe("pins", () => {
  test("are listed latest first, survive a wake, and go with the message", async () => {
    const { ada, bob, groupId, path } = await group();
    const socket = await openLive(bob, groupId);
    const [one, two] = [await said(bob, groupId), await said(bob, groupId)];
    expect((await bob.put(`${path}/pins/${one}`)).body.code).toBe("forbidden");
    for (const id of [one, two, one])
      expect((await ada.put(`${path}/pins/${id}`)).status).toBe(204);
    const { conversation } = await socket.next(
      "conversation",
      (event) => event.conversation.pins?.length === 2,
    );
    expect(conversation.pins).toEqual([two, one]);
    await evict(groupId);
    const pinnedBy = ada.userId;
    expect((await bob.get(`${path}/pins`)).body.items).toMatchObject([
      { messageId: two, pinnedBy },
      { messageId: one, pinnedBy },
    ]);
    await bob.delete(`${MESSAGES}/${two}`);
    await socket.next("conversation", (event) => event.conversation.pins?.length === 1);
    expect((await ada.put(`${path}/pins/${two}`)).body.code).toBe("message_deleted");
    expect((await ada.delete(`${path}/pins/${two}`)).body.code).toBe("not_pinned");
    expect((await ada.delete(`${path}/pins/${one}`)).status).toBe(204);
    expect((await socket.next("conversation")).conversation.pins).toBeUndefined();
    expect((await bob.get(`${path}/pins`)).body.items).toEqual([]);
  });

  test("are at most 50", async () => {
    const { ada, groupId, path } = await group();
    const messageId = await said(ada, groupId);
    await runInDurableObject(objectOf(groupId), (_, { storage }) => {
      const pins = Array.from({ length: 50 }, (_, index) => [index + 2, "ada", 0]);
      storage.sql.exec("UPDATE conversation SET pins = ?", JSON.stringify(pins));
    });
    await evict(groupId);
    expect((await ada.put(`${path}/pins/${messageId}`)).body.code).toBe("too_many_pins");
  });
});

describe("slow mode", () => {
  test("makes members wait, over a wake as well, and no moderator", async () => {
    const { ada, bob, carl, groupId, change } = await group();
    expect((await change({ slowModeSeconds: 60 }, bob)).body.code).toBe("forbidden");
    expect((await change({ slowModeSeconds: 1_800 })).status).toBe(204);
    expect((await send(bob, groupId, "one")).status).toBe(201);
    await evict(groupId);
    const refused = await send(bob, groupId, "two");
    expect(refused).toMatchObject({ status: 429, body: { code: "slow_mode" } });
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(1_790);
    expect((await send(carl, groupId, "mine")).status).toBe(201);
    const socket = await openLive(carl, groupId);
    socket.send({ op: "send", id: 1, content: "more" });
    expect(await socket.next("error")).toMatchObject({ code: "slow_mode", id: 1 });
    for (const content of ["a", "b"]) expect((await send(ada, groupId, content)).status).toBe(201);
    try {
      later(1_801_000);
      expect((await send(bob, groupId, "two")).status).toBe(201);
    } finally {
      vi.useRealTimers();
    }
    await change({ slowModeSeconds: 0 });
    for (const content of ["a", "b"]) expect((await send(bob, groupId, content)).status).toBe(201);
    expect((await change({ slowModeSeconds: 21_601 })).status).toBe(400);
  });

  test("answers a retry as the first one, and costs a message one row", async () => {
    const { bob, groupId, change } = await group();
    await change({ slowModeSeconds: 1 });
    const key = { clientMessageId: crypto.randomUUID() };
    const first = await send(bob, groupId, "once", key);
    const again = await send(bob, groupId, "once", key);
    expect(again.body).toEqual({ ...first.body, deduplicated: true });
    const counted = async (from: Caller) => {
      later(2_000);
      try {
        return await counting(groupId, () => send(from, groupId, "counted"));
      } finally {
        vi.useRealTimers();
      }
    };
    expect((await counted(bob)).rowsWritten).toBeLessThanOrEqual(3);
  });

  test("holds for two messages of one frame", async () => {
    const { bob, groupId, change } = await group();
    await change({ slowModeSeconds: 5 });
    const socket = await openLive(bob, groupId);
    socket.send([1, 2].map((id) => JSON.stringify({ op: "send", id, content: "x" })).join("\n"));
    expect(await socket.next("error")).toMatchObject({ code: "slow_mode", id: 2 });
    expect(socket.all("message")).toHaveLength(1);
  });
});

test("in a locked conversation only those with a role write", async () => {
  const { ada, bob, groupId, path, change } = await group();
  const messageId = await said(bob, groupId);
  const socket = await openLive(bob, groupId);
  await change({ locked: true });
  const { conversation } = await socket.next("conversation");
  expect(conversation.locked).toBe(true);
  await evict(groupId);
  expect(await send(bob, groupId, "hello")).toMatchObject({
    ...{ status: 403, body: { code: "conversation_locked" } },
  });
  const react = await bob.post(`${MESSAGES}/${messageId}/reactions`, { emoji: "👍" });
  expect(react.body.code).toBe("conversation_locked");
  const edit = await bob.put(`/api/chat/${groupId}/messages/${messageId}`, { content: "x" });
  expect(edit.body.code).toBe("conversation_locked");
  expect((await send(ada, groupId, "hello")).status).toBe(201);
  expect((await bob.post(`${MESSAGES}/${messageId}/read`)).status).toBe(200);
  await ada.post(`${path}/moderators`, { userId: bob.userId });
  expect((await send(bob, groupId, "hello")).status).toBe(201);
  await ada.delete(`${path}/moderators/${bob.userId}`);
  await change({ locked: false });
  expect((await send(bob, groupId, "hello")).status).toBe(201);
});

test("a muted member only reads until the time is over, wherever they write and come back", async () => {
  const { ada, bob, carl, groupId, path } = await group();
  const messageId = await said(bob, groupId);
  const [socket, seen] = [await openLive(bob, groupId), await openLive(carl, groupId)];
  const until = new Date(Date.now() + 60_000).toISOString();
  const mute = `${path}/participants/${bob.userId}/mute`;
  expect((await carl.put(mute, { until })).body.code).toBe("forbidden");
  expect((await ada.put(mute, { until })).status).toBe(204);
  const { cause, member } = await seen.next("member");
  expect([cause, member.mutedUntil]).toEqual(["role", until]);
  const refused = await send(bob, groupId, "hello");
  expect(refused).toMatchObject({ status: 403, body: { code: "muted" } });
  socket.send({ op: "typing", active: true });
  socket.send({ op: "send", id: 1, content: "hello" });
  expect((await socket.next("error")).code).toBe("muted");
  const typing = await bob.post(`${MESSAGES}/${messageId}/reactions`, { emoji: "👍" });
  expect(typing.body.code).toBe("muted");
  await bob.delete(`${path}/participants/${bob.userId}`);
  await ada.post(`${path}/participants`, { participantId: bob.userId });
  await evict(groupId);
  expect((await send(bob, groupId, "hello")).body.code).toBe("muted");
  expect(seen.all("typing")).toEqual([]);
  expect((await bob.get(`/api/chat/${groupId}/info`)).body.data.chat.participants).toContainEqual(
    expect.objectContaining({ userId: bob.userId, mutedUntil: until }),
  );
  try {
    later(61_000);
    expect((await send(bob, groupId, "hello")).status).toBe(201);
  } finally {
    vi.useRealTimers();
  }
  expect((await send(bob, groupId, "hello")).body.code).toBe("muted");
  expect((await ada.delete(mute)).status).toBe(204);
  expect((await send(bob, groupId, "hello")).status).toBe(201);
  expect((await ada.put(mute, { until: new Date(0).toISOString() })).body.code).toBe(
    "end_in_the_past",
  );
});

test("a group is renamed, by its API or by the marketplace's; a channel keeps a name", async () => {
  const { ada, bob, groupId, change } = await group();
  const hub = await Hub.connect(bob);
  await hub.ask("JoinConversation", groupId);
  expect((await change({ title: "New name" })).status).toBe(204);
  await hub.until("ConversationChanged", 1);
  expect(hub.all("ConversationChanged")).toMatchObject([
    { conversationId: groupId, title: "New name", slowModeSeconds: 0, locked: false, pins: [] },
  ]);
  expect((await bob.get(CONVERSATIONS)).body[0].title).toBe("New name");
  const chat = await ada.patch(`/api/chat/${groupId}`, { title: null, slowModeSeconds: 5 });
  expect(chat.body.data.chat).toMatchObject({ title: null, slowModeSeconds: 5 });
  expect((await change({})).status).toBe(400);
  const channelId = await channelOf(ada);
  const short = await ada.patch(`${CONVERSATIONS}/${channelId}`, { title: "x" });
  expect(short).toMatchObject({ status: 400, body: { code: "invalid_request" } });
  await ada.patch(`${CONVERSATIONS}/${channelId}`, { locked: true });
  expect((await ada.get(`/api/v1/chat/channels/${channelId}`)).body.locked).toBe(true);
  const direct = await ada.post(`${CONVERSATIONS}/direct`, { otherUserId: bob.userId });
  const { conversationId } = direct.body;
  const refused = await ada.patch(`${CONVERSATIONS}/${conversationId}`, { title: "x" });
  expect(refused.body.code).toBe("not_moderated");
});
