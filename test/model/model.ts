import { EMOJIS } from "../../src/domain/reaction.ts";

/**
 * What UniHub specifies for groups and channels, in the simplest form: lists in memory that are
 * always searched completely. It has no revisions, ranges, figures or projections.
 */

export interface Message {
  /** `null`: the system. */
  senderId: string | null;
  content: string;
  /** The number of the message to which this one replies. */
  replyTo: number | null;
  deleted: boolean;
  mentions: readonly string[];
  mentionsAll: boolean;
  /** In the order of each emoji's first reaction. */
  reactions: { emoji: string; userIds: string[] }[];
  /** In the order of reading. */
  readers: { userId: string; at: number }[];
}

export interface Member {
  role: "owner" | "moderator" | "member";
  joinedAt: number;
  /** The number of messages when they last joined. */
  joinedAfter: number;
}

export interface ModelConversation {
  id: string;
  kind: "group" | "channel";
  isPublic: boolean;
  archived: boolean;
  members: Map<string, Member>;
  invited: Set<string>;
  /** Message `n` is at index `n - 1`. */
  messages: Message[];
  /** The sending time of the newest counted message, by its number. */
  sentAt: Map<number, number>;
}

/** An operation of one user in one conversation. Messages are referred to by number. */
export type Act =
  | { type: "add" | "remove" | "invite" | "expel" | "promote" | "demote"; whom: string }
  | { type: "join" | "leave" | "archive" | "unarchive" | "readAll" }
  | ({ type: "send"; content: string; replyTo: number | null } & Mentioning)
  /** Mentions that are `null` stay as they are. */
  | { type: "edit"; number: number; content: string; mentions: string[] | null }
  | { type: "react" | "unreact"; number: number; emoji: string }
  | { type: "read" | "readUpTo" | "delete"; number: number }
  | { type: "readSome"; numbers: number[] };

export interface Mentioning {
  mentions: readonly string[];
  mentionsAll: boolean;
}

export function newConversation(
  facts: Pick<ModelConversation, "id" | "kind" | "isPublic">,
  userIds: readonly string[],
  now: number,
): ModelConversation {
  const members = userIds.map((userId, i): [string, Member] => [
    userId,
    { role: i === 0 ? "owner" : "member", joinedAt: now, joinedAfter: 0 },
  ]);
  return {
    ...facts,
    archived: false,
    members: new Map(members),
    invited: new Set(),
    messages: [],
    sentAt: new Map(),
  };
}

/** Whether a message can be unread. */
export function counts(message: Message): boolean {
  return message.senderId !== null && !message.deleted;
}

/** The numbers of a member's unread messages. */
export function unreadOf(talk: ModelConversation, userId: string): number[] {
  const after = talk.members.get(userId)?.joinedAfter ?? 0;
  return talk.messages
    .map((message, i) => ({ message, number: i + 1 }))
    .filter(({ number }) => number > after)
    .filter(({ message }) => counts(message) && message.senderId !== userId)
    .filter(({ message }) => !message.readers.some((reader) => reader.userId === userId))
    .map(({ number }) => number);
}

/** The numbers of a member's unread messages that mention them. */
export function unreadMentionsOf(talk: ModelConversation, userId: string): number[] {
  return unreadOf(talk, userId).filter((number) => {
    const message = talk.messages[number - 1];
    return message?.mentionsAll || message?.mentions.includes(userId);
  });
}

/**
 * Executes an act, and returns `ok` or the error's code. `known`: the users known to the server.
 */
export function perform(
  talk: ModelConversation,
  userId: string,
  act: Act,
  known: readonly string[],
  now: number,
): string {
  const me = talk.members.get(userId);
  const isGroup = talk.kind === "group";
  const moderates = me !== undefined && me.role !== "member";
  const owns = me?.role === "owner";
  switch (act.type) {
    case "add":
    case "remove": {
      if (!me) return "not_a_member";
      if (!isGroup) return "not_a_group";
      const { whom } = act;
      if (!owns && (act.type === "add" || whom !== userId)) return "forbidden";
      return act.type === "add" ? add(talk, whom, known, now) : remove(talk, userId, whom);
    }
    case "join":
      if (isGroup) return "conversation_not_found";
      if (me) return "already_a_member";
      if (talk.archived) return "channel_archived";
      if (!talk.isPublic && !talk.invited.has(userId)) return "invitation_required";
      talk.invited.delete(userId);
      enter(talk, userId, now);
      return "ok";
    case "leave":
      if (isGroup) return "conversation_not_found";
      if (!me) return "not_in_channel";
      if (owns) return "owner_stays";
      talk.members.delete(userId);
      return "ok";
    case "archive":
    case "unarchive":
      if (isGroup) return "conversation_not_found";
      if (!owns) return me ? "forbidden" : "not_a_member";
      talk.archived = act.type === "archive";
      return "ok";
    case "invite":
    case "expel": {
      if (isGroup) return "conversation_not_found";
      if (!moderates) return me ? "forbidden" : "not_a_member";
      return act.type === "invite" ? invite(talk, act.whom, known) : expel(talk, act.whom);
    }
    case "promote":
    case "demote":
      if (isGroup) return "conversation_not_found";
      if (!owns) return me ? "forbidden" : "not_a_member";
      return act.type === "promote" ? promote(talk, act.whom) : demote(talk, act.whom);
    case "send":
      if (act.content === "") return "empty_content";
      if (!me) return "not_a_member";
      if (talk.archived) return "channel_archived";
      if (act.replyTo !== null && !talk.messages[act.replyTo - 1]) return "invalid_reply";
      if (act.mentionsAll && !moderates) return "forbidden";
      if (act.mentions.some((whom) => !talk.members.has(whom))) return "invalid_mentions";
      append(talk, userId, act.content, act.replyTo, act);
      talk.sentAt.set(talk.messages.length, now);
      return "ok";
    case "edit":
      return edit(talk, userId, act);
    case "delete":
      return erase(talk, userId, act.number);
    case "react":
    case "unreact":
      return react(talk, userId, act.type === "react", act.number, act.emoji);
    case "read": {
      if (!me) return "not_a_member";
      const message = talk.messages[act.number - 1];
      if (!message) return "message_not_found";
      if (message.deleted) return "message_deleted";
      mark(talk, userId, [act.number], now);
      return "ok";
    }
    case "readSome":
      if (!me) return "not_a_member";
      if (act.numbers.some((number) => !talk.messages[number - 1])) return "unknown_messages";
      mark(talk, userId, act.numbers, now);
      return "ok";
    case "readUpTo": {
      if (!me) return "not_a_member";
      if (!talk.messages[act.number - 1]) return "unknown_messages";
      const numbers = unreadOf(talk, userId).filter((number) => number <= act.number);
      mark(talk, userId, numbers, now);
      return "ok";
    }
    case "readAll":
      if (!me) return "not_a_member";
      mark(talk, userId, unreadOf(talk, userId), now);
      return "ok";
  }
}

function append(
  talk: ModelConversation,
  senderId: string | null,
  content: string,
  replyTo: number | null,
  { mentions, mentionsAll }: Mentioning = { mentions: [], mentionsAll: false },
): void {
  const fresh = { deleted: false, reactions: [], readers: [] };
  talk.messages.push({ senderId, content, replyTo, mentions, mentionsAll, ...fresh });
}

function edit(
  talk: ModelConversation,
  userId: string,
  { number, content, mentions }: Extract<Act, { type: "edit" }>,
): string {
  const message = talk.messages[number - 1];
  if (!talk.members.has(userId)) return "not_a_member";
  if (!message) return "message_not_found";
  if (message.senderId === null) return "system_message";
  if (message.senderId !== userId) return "not_the_author";
  if (talk.archived) return "channel_archived";
  if (message.deleted) return "message_deleted";
  const mayStay = (whom: string) => message.mentions.includes(whom) || talk.members.has(whom);
  if (mentions && !mentions.every(mayStay)) return "invalid_mentions";
  Object.assign(message, { content, mentions: mentions ?? message.mentions });
  return "ok";
}

function enter(talk: ModelConversation, userId: string, now: number): void {
  const joinedAfter = talk.messages.length;
  talk.members.set(userId, { role: "member", joinedAt: now, joinedAfter });
}

function add(talk: ModelConversation, whom: string, known: readonly string[], now: number): string {
  if (!known.includes(whom)) return "unknown_user";
  if (talk.members.has(whom)) return "already_a_member";
  append(talk, null, `${whom} was added`, null);
  enter(talk, whom, now);
  return "ok";
}

function remove(talk: ModelConversation, by: string, whom: string): string {
  const member = talk.members.get(whom);
  if (!member) return "participant_not_found";
  if (talk.members.size <= 2) return "too_few_members";
  talk.members.delete(whom);
  append(talk, null, `${whom} ${by === whom ? "left" : "was removed"}`, null);
  if (member.role === "owner") {
    const [heir] = [...talk.members].sort(
      ([a, one], [b, other]) => one.joinedAt - other.joinedAt || (a < b ? -1 : 1),
    );
    if (heir) heir[1].role = "owner";
  }
  return "ok";
}

function invite(talk: ModelConversation, whom: string, known: readonly string[]): string {
  if (!known.includes(whom)) return "unknown_user";
  if (talk.archived) return "channel_archived";
  if (talk.members.has(whom)) return "already_a_member";
  talk.invited.add(whom);
  return "ok";
}

function expel(talk: ModelConversation, whom: string): string {
  const member = talk.members.get(whom);
  if (!member) return "participant_not_found";
  if (member.role === "owner") return "owner_stays";
  talk.members.delete(whom);
  return "ok";
}

function promote(talk: ModelConversation, whom: string): string {
  const member = talk.members.get(whom);
  if (!member) return "not_in_channel";
  if (member.role !== "member") return "already_a_moderator";
  member.role = "moderator";
  return "ok";
}

function demote(talk: ModelConversation, whom: string): string {
  const member = talk.members.get(whom);
  if (member?.role === "owner") return "owner_stays";
  if (member?.role !== "moderator") return "not_a_moderator";
  member.role = "member";
  return "ok";
}

function erase(talk: ModelConversation, userId: string, number: number): string {
  const message = talk.messages[number - 1];
  const me = talk.members.get(userId);
  if (!me) return "not_a_member";
  if (!message) return "message_not_found";
  if (message.senderId === null) return "system_message";
  if (message.senderId !== userId && me.role === "member") return "not_the_author";
  if (talk.archived) return "channel_archived";
  Object.assign(message, {
    ...{ deleted: true, content: "", reactions: [] },
    ...{ mentions: [], mentionsAll: false },
  });
  return "ok";
}

function react(
  talk: ModelConversation,
  userId: string,
  on: boolean,
  number: number,
  emoji: string,
): string {
  if (!EMOJIS.some((supported) => supported === emoji)) return "unsupported_emoji";
  const message = talk.messages[number - 1];
  if (!talk.members.has(userId)) return "not_a_member";
  if (!message) return "message_not_found";
  if (talk.archived) return "channel_archived";
  if (message.deleted) return "message_deleted";
  const found = message.reactions.find((reaction) => reaction.emoji === emoji);
  const there = found?.userIds.includes(userId) ?? false;
  if (!on && !there) return "reaction_not_found";
  if (on && !there && found) found.userIds.push(userId);
  if (on && !found) message.reactions.push({ emoji, userIds: [userId] });
  if (!on && found) found.userIds = found.userIds.filter((other) => other !== userId);
  message.reactions = message.reactions.filter(({ userIds }) => userIds.length > 0);
  return "ok";
}

/** Marks counted messages of others as read; those that were read before keep their time. */
function mark(
  talk: ModelConversation,
  userId: string,
  numbers: readonly number[],
  now: number,
): void {
  for (const number of numbers) {
    const message = talk.messages[number - 1];
    if (!message || !counts(message) || message.senderId === userId) continue;
    if (message.readers.some((reader) => reader.userId === userId)) continue;
    message.readers.push({ userId, at: now });
  }
}
