import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test, vi } from "vitest";
import type { Command } from "../../src/conversation/decide/types.ts";
import { conversationOf } from "../../src/conversation/stub.ts";
import { seedMessages } from "../conversation/seeds.ts";
import { type Caller, groupOf, objectOf, openLive, person, send } from "../support.ts";
import { Hub, Io } from "./line.ts";
import { beforeAnswerArrives, dropNextCall, outOfReach } from "./wire.ts";

/** A removed member's gateway receives the removal, in all race conditions. */

let alice: Caller;
let bob: Caller;
let carl: Caller;
let conversationId: string;

beforeEach(async () => {
  [alice, bob, carl] = await Promise.all([person("alice"), person("bob"), person("carl")]);
  conversationId = await groupOf(alice, bob, carl);
});

function submit(command: object) {
  const { userId } = alice;
  return conversationOf(env, conversationId).submit(
    { userId, name: null, avatarUrl: null, role: "user", reach: "member" },
    command as Command,
    { wait: false, readers: false },
  );
}

const removeCarl = () => submit({ type: "remove", userId: carl.userId });

async function addCarlAgain(): Promise<void> {
  const path = `/api/v1/chat/conversations/${conversationId}/participants`;
  expect((await alice.post(path, { participantId: carl.userId })).status).toBe(200);
}

function alarm(): Promise<void> {
  return runInDurableObject(objectOf(conversationId), (object) => object.alarm());
}

function rows(): Promise<unknown[]> {
  return runInDurableObject(objectOf(conversationId), (_, { storage }) =>
    storage.sql.exec("SELECT user_id FROM listeners").toArray(),
  );
}

/** Carl's connection, joined to the conversation, and its revision. */
async function joined() {
  const hub = await Hub.connect(carl);
  const { rev } = await hub.ask("JoinConversation", conversationId);
  return { hub, rev };
}

const removalsOf = (hub: Hub) => hub.all("ParticipantRemoved");

const receives = (hub: Hub, content: string) =>
  hub.line.until(() => hub.all("ReceiveMessage").at(-1)?.content === content);

test.each([
  ["with the client's revision", 1],
  ["with the revision of the answer", undefined],
])(
  "a join that is overtaken by a removal is refused after the removal's event, %s",
  async (_, since) => {
    const { hub, rev } = await joined();
    await beforeAnswerArrives(hub.object, "online", async () => {
      await removeCarl();
      const conversation = conversationOf(env, conversationId);
      while (removalsOf(hub).length === 0) await conversation.unsubscribe("nobody");
    });
    const { error } = await hub.ask("JoinConversation", conversationId, since);
    expect(error).toBe("Only members of this conversation may do this.");
    expect(removalsOf(hub)).toEqual([
      { conversationId, participantId: carl.userId, rev: since ?? rev },
    ]);
  },
);

test("others receive presence once the removed member's last connection is closed", async () => {
  const live = await openLive(bob, conversationId);
  await Promise.all([joined(), joined()]);
  await removeCarl();
  await live.next("presence", ({ online }) => !online);
  const received = live.all("presence").map(({ userId, online }) => [userId, online]);
  expect(received).toEqual([
    [carl.userId, true],
    [carl.userId, false],
  ]);
});

test("after a gap in revisions, the removal is delivered and other events after the gap are not", async () => {
  const { hub, rev } = await joined();
  await dropNextCall(conversationId);
  await send(bob, conversationId, "lost");
  await removeCarl();
  await hub.until("ParticipantRemoved", 1);
  const received = hub.messages().filter(({ target }) => target !== undefined);
  expect(received).toMatchObject([{ target: "ParticipantRemoved", arguments: [{ rev }] }]);
});

test("former members who are staff subscribe as staff, also after the conversation wakes", async () => {
  const admin = await person("admin", { role: "admin" });
  conversationId = await groupOf(alice, bob, admin);
  await submit({ type: "remove", userId: admin.userId });
  const io = await Io.connect(admin);
  expect(await io.ask("join-chat-room", conversationId)).toMatchObject({ success: true });
  await evictDurableObject(objectOf(conversationId));
  await alarm();
  await send(bob, conversationId, "hello, staff");
  await io.until("new-message", 1);
  expect(io.all("participant-removed")).toEqual([]);
});

test("after a crash directly after the removal, the alarm delivers it", async () => {
  const { hub } = await joined();
  await dropNextCall(conversationId);
  await removeCarl();
  expect(removalsOf(hub)).toEqual([]);
  await evictDurableObject(objectOf(conversationId));
  await alarm();
  expect(removalsOf(hub)).toMatchObject([{ conversationId, participantId: carl.userId }]);
  expect(await rows()).toEqual([]);
});

test("to an unreachable gateway, the alarm delivers the removal until it is received", async () => {
  const { hub } = await joined();
  const tries = await outOfReach(conversationId);
  await removeCarl();
  await vi.waitFor(() => expect(tries.failed).toBe(2));
  await alarm();
  expect(tries.failed).toBe(4);
  await tries.end();
  await alarm();
  await hub.until("ParticipantRemoved", 1);
  expect(await rows()).toEqual([]);
  await send(bob, conversationId, "among ourselves");
  await alarm();
  expect(removalsOf(hub)).toMatchObject([{ participantId: carl.userId }]);
  expect(hub.all("ReceiveMessage").map(({ content }) => content)).not.toContain("among ourselves");
});

test("a removal is not delivered to a member who was added again", async () => {
  const { hub } = await joined();
  const tries = await outOfReach(conversationId);
  await removeCarl();
  await vi.waitFor(() => expect(tries.failed).toBe(2));
  await addCarlAgain();
  await hub.ask("JoinConversation", conversationId);
  await tries.end();
  await alarm();
  // A late delivery of the removal has no effect.
  const rev = await runInDurableObject(
    objectOf(conversationId),
    // biome-ignore lint/suspicious/noExplicitAny: reads the current revision
    (object) => (object as any).open.memory.counters.rev,
  );
  const late = { conversationId, from: rev, to: rev, lines: [], notes: [] };
  expect(await hub.object.deliver({ ...late, last: true })).toBe(true);
  await send(bob, conversationId, "welcome back");
  await receives(hub, "welcome back");
  expect(removalsOf(hub)).toEqual([]);
  expect(await rows()).toEqual([{ user_id: carl.userId }]);
});

test("if the removal is lost during catch-up, the next page is refused", async () => {
  await seedMessages(conversationId, 600, bob.userId);
  const hub = await Hub.connect(carl);
  await beforeAnswerArrives(hub.object, "lines", async () => {
    await dropNextCall(conversationId);
    await removeCarl();
  });
  await hub.ask("JoinConversation", conversationId, 0);
  await hub.until("ParticipantRemoved", 1);
  const received = hub.all("ReceiveMessage").map(({ rev }) => rev);
  expect(removalsOf(hub)).toEqual([
    { conversationId, participantId: carl.userId, rev: Math.max(...received) },
  ]);
});

test("a removal during catch-up carries the client's revision, from which it resumes after being added again", async () => {
  await seedMessages(conversationId, 600, bob.userId);
  const hub = await Hub.connect(carl);
  await beforeAnswerArrives(hub.object, "more", async (rooms) => {
    await removeCarl();
    const conversation = conversationOf(env, conversationId);
    while (rooms.isSubscribed(conversationId)) await conversation.unsubscribe("nobody");
  });
  await hub.ask("JoinConversation", conversationId, 0);
  await hub.until("ParticipantRemoved", 1);
  await addCarlAgain();
  const [{ rev }] = removalsOf(hub);
  await hub.ask("JoinConversation", conversationId, rev);
  await hub.until("ReceiveMessage", 600);
  await send(bob, conversationId, "welcome back");
  await receives(hub, "welcome back");
  const seeded = hub.all("ReceiveMessage").filter(({ senderId }) => senderId === bob.userId);
  expect(new Set(seeded.map(({ messageId }) => messageId)).size).toBe(601);
  expect(seeded).toHaveLength(601);
});

test("a member who is added again and joins is subscribed, even if the removal overtakes the answer", async () => {
  const { hub } = await joined();
  const tries = await outOfReach(conversationId);
  await removeCarl();
  await vi.waitFor(() => expect(tries.failed).toBe(2));
  await addCarlAgain();
  await tries.end();
  // The alarm fires before the conversation receives the join.
  await runInDurableObject(hub.object as Io["object"], (gateway) => {
    // biome-ignore lint/suspicious/noExplicitAny: delays a private call
    const { conversations } = (gateway as any).rooms;
    const { ask } = conversations;
    conversations.ask = async (...question: unknown[]) => {
      conversations.ask = ask;
      await alarm();
      return ask.apply(conversations, question);
    };
  });
  expect(await hub.ask("JoinConversation", conversationId)).toHaveProperty("rev");
  await send(bob, conversationId, "welcome back");
  await receives(hub, "welcome back");
});

test("a join with a revision beyond the newest gets a removal with an existing revision", async () => {
  const hub = await Hub.connect(carl);
  await beforeAnswerArrives(hub.object, "online", async () => {
    await removeCarl();
    const conversation = conversationOf(env, conversationId);
    while (removalsOf(hub).length === 0) await conversation.unsubscribe("nobody");
  });
  await hub.ask("JoinConversation", conversationId, 10_000);
  expect(removalsOf(hub)[0].rev).toBeLessThan(100);
});
