import { counts, type ModelChat, type ModelPerson } from "./marketplace-chat.ts";

/** The expected outcome of a call: one of these refusals, or this data. */
export type Outcome = { refused: Set<string> } | { data: unknown };

export interface Sending {
  content: string;
  type: "text" | "system";
  replyToMessageId: string | null;
  clientMessageId?: string;
  mentions: readonly string[];
  mentionsAll: boolean;
}

/** Mentions of an edit; absent ones stay. */
export interface Mentioning {
  mentions?: readonly string[];
  mentionsAll?: boolean;
}

const MINUTE = 60_000;
const MESSAGES_PER_MINUTE = 20;
const EDIT_WINDOW = 15 * MINUTE;
const MAX_LENGTH = 5_000;

export function send(chat: ModelChat, who: ModelPerson, asked: Sending, now: number): Outcome {
  const refused = refusals(
    [!chat.members.has(who.userId) && who.role === "user", "not_a_member"],
    ...wrongContent(asked.content),
  );
  if (refused.size > 0) return { refused };
  const { clientMessageId: key, replyToMessageId: replyTo, type } = asked;
  const content = asked.content.trim();
  const senderId = who.userId;
  const own = chat.messages.filter((message) => message.senderId === senderId);
  const { mentions, mentionsAll } = asked;
  const digest = JSON.stringify([content, replyTo, type, mentions.toSorted(), mentionsAll]);
  const before = key === undefined ? undefined : own.find((message) => message.key === key);
  if (before && before.asked !== digest) return { refused: new Set(["idempotency_conflict"]) };
  if (before) return { data: { message: chat.present(before), deduplicated: true } };
  const lately = own.filter((message) => message.createdAt > now - MINUTE);
  const refusedNow = refusals(
    [replyTo !== null && !chat.message(replyTo), "invalid_reply"],
    ...mayNotMention(chat, who, asked),
    [lately.length >= MESSAGES_PER_MINUTE, "rate_limited"],
  );
  if (refusedNow.size > 0) return { refused: refusedNow };
  const mentioning = { mentions, mentionsAll };
  const sent = { senderId, type, content, replyTo, key, ...mentioning, asked: digest };
  return { data: { message: chat.present(chat.append({ ...sent, createdAt: now })) } };
}

export function edit(
  chat: ModelChat,
  who: ModelPerson,
  messageId: string,
  content: string,
  asked: Mentioning,
  now: number,
): Outcome {
  const wrong = [
    ...wrongContent(content),
    [!chat.members.has(who.userId), "not_a_member"] as const,
  ];
  const message = chat.message(messageId);
  if (!message) return { refused: refusals([true, "message_not_found"], ...wrong) };
  const refused = refusals(
    ...wrong,
    [message.type === "system", "system_message"],
    [message.senderId !== who.userId, "not_the_author"],
    [message.deletedAt !== null, "message_deleted"],
    [message.createdAt < now - EDIT_WINDOW, "edit_window_closed"],
    ...mayNotMention(chat, who, asked, message),
  );
  if (refused.size > 0) return { refused };
  message.content = content.trim();
  message.mentions = asked.mentions ?? message.mentions;
  message.mentionsAll = asked.mentionsAll ?? message.mentionsAll;
  message.editedAt = now;
  return { data: { message: chat.present(message) } };
}

export function remove(chat: ModelChat, who: ModelPerson, messageId: string, now: number): Outcome {
  const isAdmin = who.role === "admin";
  const owns = chat.members.get(who.userId)?.role === "owner";
  const stranger = [!chat.members.has(who.userId) && !isAdmin, "not_a_member"] as const;
  const message = chat.message(messageId);
  if (!message) return { refused: refusals([true, "message_not_found"], stranger) };
  const refused = refusals(
    stranger,
    [message.senderId !== who.userId && !isAdmin && !owns, "not_the_author"],
    [message.senderId === null && !isAdmin, "system_message"],
  );
  if (refused.size > 0) return { refused };
  if (message.deletedAt === null) {
    message.deletedAt = now;
    message.deletedBy = who.userId;
    message.content = "";
    message.metadata = null;
    message.mentions = [];
    message.mentionsAll = false;
  }
  return { data: { message: chat.present(message) } };
}

/** Without ids, all unread messages. */
export function read(
  chat: ModelChat,
  who: ModelPerson,
  messageIds: readonly string[],
  now: number,
): Outcome {
  const named = messageIds.map((messageId) => chat.message(messageId));
  const refused = refusals(
    [!chat.members.has(who.userId), "not_a_member"],
    [named.includes(undefined), "unknown_messages"],
  );
  if (refused.size > 0) return { refused };
  let modifiedCount = 0;
  for (const message of messageIds.length === 0 ? chat.unreadBy(who.userId) : named) {
    if (!message || !counts(message) || message.senderId === who.userId) continue;
    if (message.readBy.has(who.userId)) continue;
    message.readBy.set(who.userId, now);
    modifiedCount++;
  }
  return { data: { modifiedCount } };
}

export function archive(chat: ModelChat, who: ModelPerson): Outcome {
  const member = chat.members.get(who.userId);
  if (!member) return { refused: new Set(["not_a_member"]) };
  member.archived = !member.archived;
  return { data: { isArchived: member.archived } };
}

export function add(
  chat: ModelChat,
  who: ModelPerson,
  whom: ModelPerson | undefined,
  now: number,
): Outcome {
  const refused = refusals(
    ...mayNotManage(chat, who),
    [!whom, "unknown_user"],
    [whom !== undefined && chat.members.has(whom.userId), "already_a_member"],
  );
  if (!whom || refused.size > 0) return { refused };
  announce(chat, whom, "was added", now);
  chat.members.set(whom.userId, {
    person: whom,
    role: "member",
    joinedAt: now,
    archived: false,
    since: chat.messages.length,
  });
  return { data: { chat: chat.presentFor(who.userId) } };
}

/** Removes another participant from a group, or the caller. */
export function expel(chat: ModelChat, who: ModelPerson, userId: string, now: number): Outcome {
  const member = chat.members.get(userId);
  const leaves = who.userId === userId;
  const refused = refusals(
    ...(leaves ? [] : mayNotManage(chat, who)),
    [chat.facts.kind !== "group", "not_a_group"],
    [leaves && !member, "not_a_member"],
    [!member, "participant_not_found"],
    [chat.members.size <= 2, "too_few_members"],
  );
  if (!member || refused.size > 0) return { refused };
  chat.members.delete(userId);
  announce(chat, member.person, leaves ? "left" : "was removed", now);
  if (member.role === "owner") {
    const [heir] = [...chat.members.values()].sort(
      (a, b) => a.joinedAt - b.joinedAt || (a.person.userId < b.person.userId ? -1 : 1),
    );
    if (heir) heir.role = "owner";
  }
  return { data: { participantId: userId } };
}

function announce(chat: ModelChat, person: ModelPerson, done: string, createdAt: number): void {
  const content = `${person.name} ${done}`;
  const metadata = { userId: person.userId };
  chat.append({ senderId: null, type: "system", content, metadata, createdAt });
}

type Reason = readonly [applies: boolean, code: string];

function mayNotManage(chat: ModelChat, who: ModelPerson): Reason[] {
  const member = chat.members.get(who.userId);
  const isAdmin = who.role === "admin";
  return [
    [chat.facts.kind !== "group", "not_a_group"],
    [!member && !isAdmin, "not_a_member"],
    [member?.role === "member" && !isAdmin, "forbidden"],
  ];
}

/** People who are no members, and everybody for most; whom `before` mentions may stay. */
function mayNotMention(
  chat: ModelChat,
  who: ModelPerson,
  { mentions = [], mentionsAll = false }: Mentioning,
  before: Mentioning = {},
): Reason[] {
  const may = chat.members.get(who.userId)?.role === "owner" || who.role === "admin";
  const mayStay = (userId: string) => chat.members.has(userId) || before.mentions?.includes(userId);
  return [
    [mentionsAll && !before.mentionsAll && !may, "forbidden"],
    [!mentions.every(mayStay), "invalid_mentions"],
  ];
}

function wrongContent(content: string): Reason[] {
  return [
    [content.trim() === "", "empty_content"],
    [content.trim().length > MAX_LENGTH, "content_too_long"],
  ];
}

/** All applicable refusals; their precedence is tested with each endpoint. */
function refusals(...reasons: Reason[]): Set<string> {
  return new Set(reasons.filter(([applies]) => applies).map(([, code]) => code));
}
