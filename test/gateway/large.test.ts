import { runInDurableObject } from "cloudflare:test";
import { beforeAll, expect, test } from "vitest";
import { subscribers } from "../../src/conversation/tables/subscribers.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import { counting } from "../conversation/counters.ts";
import { seedMembers, seedMessages } from "../conversation/seeds.ts";
import {
  type Caller,
  channelOf,
  directPair,
  objectOf,
  openLive,
  person,
  send,
  someone,
} from "../support.ts";
import { Hub, Io } from "./line.ts";

/** Events to gateway clients in large conversations, and after many changes. */

let alice: Caller;
let bob: Caller;
let large: string;

/** A group of 201 members. */
beforeAll(async () => {
  const admin = await person("admin", { role: "admin" });
  [alice, bob] = [await person("alice"), await person("bob")];
  const others = Array.from({ length: 199 }, () => someone("crowd"));
  await admin.put("/api/users", { users: others.map((id) => ({ id })) });
  const participantIds = [bob.userId, ...others];
  const { body } = await alice.post("/api/v1/chat/conversations/group", { participantIds });
  large = body.conversationId;
});

test("over 200 members: online is empty, and no presence, typing or reads are delivered", async () => {
  const [io, hub] = [await Io.connect(alice), await Hub.connect(alice)];
  await io.ask("join-chat-room", large);
  const live = await openLive(bob, large);
  expect(await hub.ask("JoinConversation", large)).toMatchObject({ online: [] });
  const { body } = await send(alice, large, "hello, all");
  live.send({ op: "typing", active: true });
  live.send({ op: "read", messageIds: [body.messageId] });
  live.send({ op: "react", id: 1, messageId: body.messageId, emoji: "👍" });
  await live.next("ack", ({ id }) => id === 1);
  live.close();
  await send(bob, large, "good bye");
  await io.until("new-message", 2);
  await hub.until("ReceiveMessage", 2);
  const events = io.line.received.flatMap((text) => /^42\["([\w-]+)"/.exec(text)?.[1] ?? []);
  expect(events).toEqual(["new-message", "message-edited", "new-message"]);
  const calls = hub.messages().flatMap(({ target }) => target ?? []);
  expect(calls).toEqual(["ReceiveMessage", "ReactionAdded", "ReceiveMessage"]);
  expect(io.all("message-edited")[0].message.readBy).toEqual([]);
});

test("when many messages are read at once, the event lists the newest 500", async () => {
  const { alice, bob, conversationId } = await directPair();
  await seedMessages(conversationId, 600, alice.userId);
  const [io, hub] = [await Io.connect(alice), await Hub.connect(alice)];
  await io.ask("join-chat-room", conversationId);
  await hub.ask("JoinConversation", conversationId);
  const reader = await Io.connect(bob);
  const read = await reader.ask("mark-read", { chatId: conversationId });
  expect(read.data).toEqual({ modifiedCount: 600 });
  const newest = Array.from({ length: 500 }, (_, i) => messageIdOf(conversationId, 101 + i));
  await Promise.all([io.until("messages-read", 1), hub.until("MessageRead", 1)]);
  expect(io.all("messages-read")).toMatchObject([
    { chatId: conversationId, userId: bob.userId, messageIds: newest },
  ]);
  expect(hub.all("MessageRead")).toMatchObject([
    { userId: bob.userId, messageId: newest.at(-1), messageIds: newest },
  ]);
});

test("looking up subscribers reads as many rows in a channel of 10,000 as in one of three", async () => {
  const costs: number[] = [];
  for (const members of [3, 10_000]) {
    const id = await channelOf(alice);
    await seedMembers(id, members - 1);
    const hub = await Hub.connect(alice);
    await hub.ask("JoinConversation", id);
    const { rowsRead } = await counting(id, () =>
      runInDurableObject(objectOf(id), (_, { storage }) => {
        expect(subscribers(storage.sql)).toHaveLength(1);
      }),
    );
    costs.push(rowsRead);
  }
  expect(costs[1]).toBe(costs[0]);
});
