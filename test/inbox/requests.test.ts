import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test } from "vitest";
import { type Env, settingsOf } from "../../src/env.ts";
import { Hub, Io } from "../gateway/line.ts";
import { later, notifiedHost, toldOf, undoNotified, untilTold } from "../notify/notified.ts";
import {
  type Caller,
  evict,
  fireAlarms,
  groupOf,
  open,
  openLive,
  person,
  send,
  someone,
} from "../support.ts";
import { openInbox } from "./replica.ts";
import { openRooms } from "./room-client.ts";

/** `CONTACTS=requests`: what a stranger begins has to be accepted. */

undoNotified();

async function contacts(CONTACTS: "open" | "requests"): Promise<void> {
  const objects = await runInDurableObject(
    env.INBOXES.getByName(someone()) as DurableObjectStub,
    (object) => Reflect.get(object, "env") as Env,
  );
  for (const one of [env, objects]) Object.assign(settingsOf(one), { CONTACTS });
}
afterEach(() => contacts("open"));

const UNIHUB = "/api/v1/chat/conversations";

/** A stranger's direct conversation with somebody who has not accepted it. */
async function requested(): Promise<{ stranger: Caller; bob: Caller; id: string }> {
  await contacts("requests");
  const [stranger, bob] = await Promise.all([person("stranger"), person("bob")]);
  const { body } = await stranger.post(`${UNIHUB}/direct`, { otherUserId: bob.userId });
  return { stranger, bob, id: body.conversationId };
}

async function listed(caller: Caller): Promise<{ conversationId: string; request?: boolean }[]> {
  return (await caller.get(UNIHUB)).body;
}

async function chats(caller: Caller): Promise<{ _id: string; request?: boolean }[]> {
  return (await caller.get("/api/chat")).body.data.chats;
}

test("it is marked as a request in its receiver's lists, and in no other's, until it is accepted", async () => {
  const { stranger, bob, id } = await requested();
  const inbox = await openInbox(bob);
  await inbox.until(() => inbox.entry(id) !== undefined);
  expect(inbox.entry(id)?.request).toBe(true);
  await send(stranger, id, "hello");
  await inbox.until(() => inbox.entry(id)?.unread === 1);
  expect(inbox.entry(id)?.request).toBe(true);
  expect(await listed(bob)).toMatchObject([{ conversationId: id, request: true }]);
  expect(await chats(bob)).toMatchObject([{ _id: id, request: true }]);
  expect((await listed(stranger))[0]).not.toHaveProperty("request");
  expect((await chats(stranger))[0]).not.toHaveProperty("request");
  const his = await openInbox(stranger);
  await his.until(() => his.entry(id) !== undefined);
  expect(his.entry(id)).not.toHaveProperty("request");
  const info = await bob.get(`/api/chat/${id}/info`);
  expect(info.body.data.chat.request).toBe(true);

  for (let i = 0; i < 2; i++) expect((await bob.post(`${UNIHUB}/${id}/accept`)).status).toBe(200);
  await inbox.until(() => inbox.entry(id)?.request === undefined);
  expect((await listed(bob))[0]).not.toHaveProperty("request");
  const again = await openInbox(bob);
  await again.until(() => again.entry(id) !== undefined);
  expect(again.entry(id)).not.toHaveProperty("request");
});

test("its receiver is not notified of it; once it is accepted, they are", async () => {
  const host = await notifiedHost();
  const { stranger, bob, id } = await requested();
  await send(stranger, id, "one", { mentions: [bob.userId] });
  await fireAlarms(id);
  await later(60_000, bob);
  await contacts("open");
  const known = await groupOf(bob, await person("known"));
  const friend = await person("friend");
  await bob.post(`${UNIHUB}/${known}/participants`, { participantId: friend.userId });
  await send(friend, known, "from a friend");
  await untilTold(host, bob, 1);
  expect((await toldOf(host, bob)).map(({ message }) => message)).toMatchObject([
    { preview: "from a friend" },
  ]);
  await bob.post(`/api/chat/${id}/accept`);
  await send(stranger, id, "two");
  const told = await untilTold(host, bob, 2);
  expect(told[1]).toMatchObject({ message: { preview: "two" } });
});

test("nobody is shown that its receiver has read it, is there or types, on any transport", async () => {
  const { stranger, bob, id } = await requested();
  const { body: first } = await send(stranger, id, "one");
  await evict(id);
  const socket = await openLive(stranger, id);
  const [io, hub, rooms] = [
    await Io.connect(stranger),
    await Hub.connect(stranger),
    await openRooms(stranger),
  ];
  const joined = await io.ask("join-chat-room", id);
  await hub.ask("JoinConversation", id);
  const room = await rooms.open(id);
  const his = await openLive(bob, id);
  his.send({ op: "typing", active: true });
  his.send({ op: "read", id: "read" });
  await his.next("ack", (ack) => ack.id === "read");
  expect(his.all("read")).toHaveLength(1);
  const second = await openLive(stranger, id);
  expect(second.all("hello")[0]?.online).toEqual([stranger.userId]);
  expect(second.all("sync")[0]?.reads).toEqual([]);
  const hello = second.all("hello")[0];
  const resumed = await open(stranger, id, `?since=0&epoch=${hello?.epoch}`);
  expect((await resumed.next("sync")).reads).toEqual([]);
  const list = await stranger.get(`/api/v1/chat/messages/${first.messageId}/read-receipts`);
  expect(list.body).toEqual([]);
  const page = await stranger.get(`/api/chat/${id}/messages`);
  expect(page.body.data.messages[0].readBy).toEqual([]);
  const info = await stranger.get(`/api/chat/${id}/info`);
  expect(info.body.data.chat.unreadCounts).toEqual({ [stranger.userId]: 0 });
  const presence = () => stranger.get(`/api/users/presence?ids=${bob.userId}`);
  expect((await presence()).body.users).toEqual([]);
  // A message that everybody gets shows that nothing came before it.
  await send(stranger, id, "two");
  for (const events of [socket, second, room]) {
    await events.next("message", ({ message }) => message.content === "two");
  }
  await io.until("new-message", 1);
  await hub.until("ReceiveMessage", 1);
  const seen = [...socket.frames, ...second.frames, ...room.lines, ...io.line.received];
  const all = [...seen, ...hub.line.received, JSON.stringify(joined)];
  expect(
    all.filter(
      (text) =>
        /"type":"(read|typing|presence)"|typing|[Rr]ead|online":true/.test(text) &&
        text.includes(bob.userId) &&
        !text.includes('"type":"sync"'),
    ),
  ).toEqual([]);

  await bob.post(`${UNIHUB}/${id}/accept`);
  await socket.next("presence", ({ userId, online }) => userId === bob.userId && online);
  his.send({ op: "typing", active: false });
  await socket.next("typing", ({ userId }) => userId === bob.userId);
  his.send({ op: "read" });
  await socket.next("read", ({ userId }) => userId === bob.userId);
  expect((await presence()).body.users).toHaveLength(1);
  const receipts = await stranger.get(`/api/v1/chat/messages/${first.messageId}/read-receipts`);
  expect(receipts.body).toMatchObject([{ userId: bob.userId }]);
});

test("whoever writes has accepted", async () => {
  const { stranger, bob, id } = await requested();
  await send(stranger, id, "hello");
  const socket = await openLive(bob, id);
  expect((await send(bob, id, "hello yourself")).status).toBe(201);
  await socket.next("message", ({ message }) => message.senderId === bob.userId);
  expect((await listed(bob))[0]).not.toHaveProperty("request");
  expect((await bob.post(`${UNIHUB}/${id}/decline`)).body.code).toBe("no_request");
  const presence = await stranger.get(`/api/users/presence?ids=${bob.userId}`);
  expect(presence.body.users).toMatchObject([{ id: bob.userId, online: true }]);
});

test("a declined direct conversation is in no list and stays silent; its beginner sees no difference", async () => {
  const host = await notifiedHost();
  const { stranger, bob, id } = await requested();
  await send(stranger, id, "one");
  const inbox = await openInbox(bob);
  await inbox.until(() => inbox.entry(id) !== undefined);
  const socket = await openLive(stranger, id);
  const before = await stranger.get(`/api/chat/${id}/info`);
  for (let i = 0; i < 2; i++) expect((await bob.post(`/api/chat/${id}/decline`)).status).toBe(200);
  await inbox.until(() => inbox.entry(id) === undefined);
  expect((await stranger.get(`/api/chat/${id}/info`)).body).toEqual(before.body);
  expect([await listed(bob), await chats(bob)]).toEqual([[], []]);
  expect((await bob.get("/api/v1/chat/unread")).body.totalUnread).toBe(0);
  await send(stranger, id, "two", { mentions: [bob.userId] });
  await socket.next("message", ({ message }) => message.content === "two");
  expect(socket.events.map(({ type }) => type)).toEqual(["hello", "sync", "message"]);
  await fireAlarms(id);
  const fresh = await openInbox(bob);
  await fresh.until(() =>
    fresh.events.some((event) => event.type === "inbox" && !("more" in event && event.more)),
  );
  expect([inbox.entry(id), fresh.entry(id)]).toEqual([undefined, undefined]);
  for (const one of [inbox, fresh]) one.close();
  await later(60_000, bob);
  expect(await toldOf(host, bob)).toEqual([]);
  // Opened again by either, it is the same one; who has declined accepts by writing.
  await stranger.post(`${UNIHUB}/direct`, { otherUserId: bob.userId });
  expect(await listed(bob)).toEqual([]);
  const opened = await bob.post(`${UNIHUB}/direct`, { otherUserId: stranger.userId });
  expect(opened.body.conversationId).toBe(id);
  await send(bob, id, "well then");
  expect(await listed(bob)).toMatchObject([{ conversationId: id }]);
  const back = await openInbox(bob);
  await back.until(() => back.entry(id) !== undefined);
  await send(stranger, id, "three");
  await back.until(() => back.entry(id)?.lastMessage?.content === "three");
});

test("groups: those whom the adder does not know are asked, and leave by declining, without a message", async () => {
  await contacts("requests");
  const [owner, friend, carol, dora] = (await Promise.all(
    ["owner", "friend", "carol", "dora"].map((name) => person(name)),
  )) as [Caller, Caller, Caller, Caller];
  await contacts("open");
  await groupOf(owner, friend);
  await contacts("requests");
  const group = await groupOf(owner, friend, carol);
  await owner.post(`${UNIHUB}/${group}/participants`, { participantId: dora.userId });
  const flags = async (one: Caller) =>
    (await listed(one)).find(({ conversationId }) => conversationId === group)?.request;
  expect(await Promise.all([owner, friend, carol, dora].map(flags))).toEqual([
    ...[undefined, undefined, true, true],
  ]);
  // A request makes nobody known.
  const other = await groupOf(owner, carol, friend);
  expect((await listed(carol)).find((one) => one.conversationId === other)?.request).toBe(true);
  const socket = await openLive(friend, group);
  expect((await dora.post(`${UNIHUB}/${group}/decline`)).status).toBe(200);
  await socket.next(
    "member",
    ({ member }) => member.userId === dora.userId && member.leftAt !== null,
  );
  expect(socket.all("message")).toEqual([]);
  expect(await listed(dora)).toEqual([]);
  expect((await dora.post(`${UNIHUB}/${group}/accept`)).body.code).toBe("not_a_member");
  await send(carol, group, "hi all");
  expect(await flags(carol)).toBeUndefined();
  // Both share an accepted conversation now.
  const direct = await owner.post(`${UNIHUB}/direct`, { otherUserId: carol.userId });
  const found = (await listed(carol)).find(
    (one) => one.conversationId === direct.body.conversationId,
  );
  expect(found).toBeDefined();
  expect(found).not.toHaveProperty("request");
});

test("who was removed and is added again by a stranger is asked again", async () => {
  const { stranger, bob } = await requested();
  const [one, two] = await Promise.all([person("one"), person("two")]);
  const group = await groupOf(stranger, one, two, bob);
  await bob.post(`${UNIHUB}/${group}/accept`);
  await stranger.delete(`${UNIHUB}/${group}/participants/${bob.userId}`);
  await stranger.post(`${UNIHUB}/${group}/participants`, { participantId: bob.userId });
  const found = (await listed(bob)).find(({ conversationId }) => conversationId === group);
  expect(found?.request).toBe(true);
});

test("staff, support chats and CONTACTS=open ask nobody", async () => {
  await contacts("requests");
  const [admin, bob] = await Promise.all([person("admin", { role: "admin" }), person("bob")]);
  const { body } = await admin.post(`${UNIHUB}/direct`, { otherUserId: bob.userId });
  const support = await bob.post("/api/chat/support", { subject: "Help" });
  await contacts("open");
  await (await person("anybody")).post(`${UNIHUB}/direct`, { otherUserId: bob.userId });
  const all = await listed(bob);
  expect(all.map(({ conversationId }) => conversationId)).toContain(body.conversationId);
  expect(support.status).toBe(201);
  expect(all).toHaveLength(3);
  expect(all.filter(({ request }) => request)).toEqual([]);
});
