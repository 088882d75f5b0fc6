import { expect } from "vitest";
import { messageIdOf } from "../../src/domain/id.ts";
import type { WireMessage } from "../../src/live/events.ts";
import { type Caller, openLive } from "../support.ts";
import {
  counts,
  type Message,
  type ModelConversation,
  unreadMentionsOf,
  unreadOf,
} from "./model.ts";
import { pick } from "./steps.ts";

const CHAT = "/api/v1/chat";
/** The number of messages in the first `sync` of a socket. */
const SYNCED = 50;

/**
 * Compares what one step may have changed: the conversation as the `n`-th member sees it, and one
 * inbox.
 */
export async function compareOne(
  people: readonly Caller[],
  talks: readonly ModelConversation[],
  touched: ModelConversation,
  n: number,
): Promise<void> {
  const members = people.filter(({ userId }) => touched.members.has(userId));
  const viewer = pick(members, n);
  await compareLive(viewer, touched);
  if (touched.messages.length > 0) {
    await compareReceipts(viewer, touched, 1 + (n % touched.messages.length));
  }
  await compareInbox(pick(people, n), talks);
}

/** Compares everything, for all members. */
export async function compareAll(people: readonly Caller[], talks: readonly ModelConversation[]) {
  for (const caller of people) {
    await compareInbox(caller, talks);
    await compareChannels(caller, talks);
  }
  for (const talk of talks) {
    const members = people.filter(({ userId }) => talk.members.has(userId));
    for (const member of members) await compareLive(member, talk);
    const outsiders = people.filter(({ userId }) => !talk.members.has(userId));
    for (const [caller] of [members, outsiders]) if (caller) await compareHistory(caller, talk);
    for (let number = 1; number <= talk.messages.length; number++) {
      await compareReceipts(pick(members, number), talk, number);
    }
  }
}

function ids(talk: ModelConversation): string[] {
  return [...talk.members.keys()].sort();
}

/** The users of each emoji; with so few users all are listed. */
function reactionsOf({ reactions }: Message) {
  return reactions.map(({ emoji, userIds }) => ({ emoji, count: userIds.length, userIds }));
}

/** The object's state, as a socket receives it: members and roles, unread, the newest messages. */
async function compareLive(viewer: Caller, talk: ModelConversation): Promise<void> {
  const socket = await openLive(viewer, talk.id);
  socket.close(1_000);
  const [hello, sync] = [socket.all("hello")[0], socket.all("sync")[0]];
  const { length } = talk.messages;
  expect({
    unread: hello?.you.unread,
    role: hello?.you.role,
    memberCount: hello?.conversation.memberCount,
    archived: hello?.conversation.archivedAt !== null,
    lastNumber: hello?.conversation.lastNumber,
    members: sync?.members.map(({ userId, role }) => `${userId} ${role}`),
    messages: sync?.messages.map(seen),
  }).toEqual({
    unread: unreadOf(talk, viewer.userId).length,
    role: talk.members.get(viewer.userId)?.role,
    memberCount: talk.members.size,
    archived: talk.archived,
    lastNumber: length,
    members: ids(talk).map((userId) => `${userId} ${talk.members.get(userId)?.role}`),
    messages: talk.messages
      .map((message, i) => ({ ...expected(message), number: i + 1 }))
      .slice(-SYNCED),
  });
}

function seen(message: WireMessage) {
  const { number, senderId, content, deletedAt, reactions, replyTo } = message;
  const { mentions = [], mentionsAll = false } = message;
  const reply = replyTo === null ? null : Number.parseInt(replyTo.slice(-10), 16);
  return {
    number,
    senderId,
    content,
    deleted: deletedAt !== null,
    reactions,
    replyTo: reply,
    mentions,
    mentionsAll,
  };
}

function expected(message: Message) {
  const { senderId, content, deleted, replyTo, mentions, mentionsAll } = message;
  const reactions = reactionsOf(message);
  return { senderId, content, deleted, reactions, replyTo, mentions, mentionsAll };
}

/** The whole history over REST, newest first; for users who are not members, 403. */
async function compareHistory(caller: Caller, talk: ModelConversation): Promise<void> {
  const page = (n: number) =>
    caller.get(`${CHAT}/messages?conversationId=${talk.id}&pageSize=100&page=${n}`);
  if (!talk.members.has(caller.userId)) {
    expect(await page(1)).toMatchObject({ status: 403, body: { code: "not_a_member" } });
    return;
  }
  const items = [];
  for (let n = 1; n === 1 || items.length < talk.messages.length; n++) {
    const { body } = await page(n);
    expect(body.totalCount).toBe(talk.messages.length);
    if (n > 1) expect(body.items.length).toBeGreaterThan(0);
    items.push(...body.items);
  }
  const all = talk.messages.map((message, i) => ({
    messageId: messageIdOf(talk.id, i + 1),
    senderId: message.senderId,
    content: message.content,
    type: message.senderId === null ? "System" : "Text",
    isDeleted: message.deleted,
    reactions: reactionsOf(message),
    replyToMessageId: message.replyTo === null ? null : messageIdOf(talk.id, message.replyTo),
  }));
  expect(items).toMatchObject(all.reverse());
}

async function compareReceipts(
  viewer: Caller,
  talk: ModelConversation,
  number: number,
): Promise<void> {
  const path = `${CHAT}/messages/${messageIdOf(talk.id, number)}/read-receipts`;
  const { body } = await viewer.get(path);
  const readers = talk.messages[number - 1]?.readers ?? [];
  expect({ number, receipts: body }).toEqual({
    number,
    receipts: readers.map(({ userId, at }) => ({ userId, readAt: new Date(at).toISOString() })),
  });
}

/** D1: a user's groups, latest message first, each with its figures. */
async function compareInbox(caller: Caller, talks: readonly ModelConversation[]): Promise<void> {
  const { body } = await caller.get(`${CHAT}/conversations`);
  const mine = talks.filter(({ kind, members }) => kind === "group" && members.has(caller.userId));
  const entries = mine.map((talk) => {
    const last = talk.messages.findLastIndex(counts);
    return {
      conversationId: talk.id,
      participantIds: ids(talk),
      unreadCount: unreadOf(talk, caller.userId).length,
      unreadMentions: unreadMentionsOf(talk, caller.userId).length,
      lastMessage: talk.messages[last]?.content ?? null,
      lastMessageTime: timeOf(talk.sentAt.get(last + 1)),
    };
  });
  const listed = body.map((entry: { lastMessage: { content: string } | null }) => ({
    ...entry,
    lastMessage: entry.lastMessage?.content ?? null,
  }));
  // By time, those without a message last; among those, the model does not define an order.
  const times = listed.map((entry: { lastMessageTime: string | null }) => entry.lastMessageTime);
  expect(times).toEqual(times.toSorted(newestFirst));
  const byId = (a: { conversationId: string }, b: { conversationId: string }) =>
    a.conversationId < b.conversationId ? -1 : 1;
  for (const entry of listed) entry.participantIds.sort();
  expect(listed.toSorted(byId)).toMatchObject(entries.toSorted(byId));
}

function newestFirst(a: string | null, b: string | null): number {
  return (b ?? "").localeCompare(a ?? "");
}

function timeOf(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString();
}

/** D1: a user's channels, and the public ones. */
async function compareChannels(caller: Caller, talks: readonly ModelConversation[]): Promise<void> {
  const channels = talks.filter(({ kind }) => kind === "channel");
  const byId = (a: { channelId: string }, b: { channelId: string }) =>
    a.channelId < b.channelId ? -1 : 1;
  const mine = channels.flatMap(({ id, members, archived }) => {
    const role = members.get(caller.userId)?.role;
    if (!role) return [];
    const facts = { channelId: id, memberCount: members.size, isArchived: archived };
    return [{ ...facts, isOwner: role === "owner", isModerator: role !== "member" }];
  });
  const { body } = await caller.get(`${CHAT}/channels/my-channels`);
  expect(body.toSorted(byId)).toMatchObject(mine.toSorted(byId));
  const listed = await caller.get(`${CHAT}/channels/public`);
  const publicIds: string[] = listed.body.map((entry: { channelId: string }) => entry.channelId);
  for (const { id, isPublic, archived } of channels) {
    expect(publicIds.includes(id)).toBe(isPublic && !archived);
  }
}
