import type { Attachment } from "../domain/attachment.ts";
import type { Conversation, Counters, Member } from "../domain/conversation.ts";
import { type ChatError, chatError } from "../domain/error.ts";
import { messageIdOf } from "../domain/id.ts";
import type { Mentions } from "../domain/mentions.ts";
import type { Message } from "../domain/message.ts";
import type { ServerEvent, WireConversation, WireMember, WireMessage, WireRead } from "./events.ts";
import type { FrameId } from "./frames.ts";

/** A time in milliseconds since the epoch as ISO 8601. */
export function isoTime(time: number): string {
  return new Date(time).toISOString();
}

export function isoTimeOrNull(time: number | null): string | null {
  return time === null ? null : isoTime(time);
}

/** Signs a link to a file. */
export type LinkTo = (attachment: Attachment) => string;

/** A message with links to its files. */
export function wireMessage(conversationId: string, message: Message, linkTo: LinkTo): WireMessage {
  return {
    id: messageIdOf(conversationId, message.number),
    number: message.number,
    rev: message.rev,
    senderId: message.senderId,
    kind: message.kind,
    content: message.content,
    createdAt: isoTime(message.createdAt),
    editedAt: isoTimeOrNull(message.editedAt),
    deletedAt: isoTimeOrNull(message.deletedAt),
    replyTo: message.replyTo === null ? null : messageIdOf(conversationId, message.replyTo),
    attachments: message.attachments.map((file) => ({ ...file, url: linkTo(file) })),
    reactions: message.reactions,
    metadata: message.metadata,
    ...wireMentions(message),
    ...(message.hidden && { hidden: true }),
    clientMessageId: message.clientMessageId,
    ...(message.deletedBy !== undefined && { deletedBy: message.deletedBy }),
  };
}

/** Whom a message mentions, where it does. */
export function wireMentions({
  mentions,
  mentionsAll,
}: Pick<WireMessage, "mentions" | "mentionsAll">): Mentions {
  return { ...(mentions && { mentions }), ...(mentionsAll && { mentionsAll }) };
}

export function wireMember(member: Member): WireMember {
  return {
    userId: member.userId,
    name: member.name,
    avatarUrl: member.avatarUrl,
    role: member.role,
    joinedAt: isoTime(member.joinedAt),
    leftAt: isoTimeOrNull(member.leftAt),
    ...wireMute(member),
    rev: member.rev,
  };
}

/** Until when a member may only read, where they were muted. */
export function wireMute({ mutedUntil }: Pick<Member, "mutedUntil">): { mutedUntil?: string } {
  return mutedUntil === undefined ? {} : { mutedUntil: isoTime(mutedUntil) };
}

export function wireConversation(
  conversation: Conversation,
  counters: Pick<Counters, "memberCount" | "lastNumber">,
): WireConversation {
  return {
    id: conversation.id,
    kind: conversation.kind,
    title: conversation.title,
    description: conversation.description,
    visibility: conversation.visibility,
    createdBy: conversation.createdBy,
    createdAt: isoTime(conversation.createdAt),
    archivedAt: isoTimeOrNull(conversation.archivedAt),
    memberCount: counters.memberCount,
    lastNumber: counters.lastNumber,
    ...wireModeration(conversation),
    ...(conversation.purgedTo !== undefined && { purgedTo: conversation.purgedTo }),
    rev: conversation.rev,
  };
}

/** What moderators have set, where they have. */
export function wireModeration({
  id,
  slowModeSeconds,
  locked,
  pins,
  retentionDays,
}: Pick<Conversation, "id" | "slowModeSeconds" | "locked" | "pins" | "retentionDays">): Pick<
  WireConversation,
  "slowModeSeconds" | "locked" | "pins" | "retentionDays"
> {
  return {
    ...(slowModeSeconds !== undefined && { slowModeSeconds }),
    ...(locked && { locked }),
    ...(pins && { pins: pins.map(({ number }) => messageIdOf(id, number)) }),
    ...(retentionDays !== undefined && { retentionDays }),
  };
}

export function wireRead(read: {
  rev: number;
  userId: string;
  from: number;
  to: number;
  readAt: number;
}): WireRead {
  return {
    rev: read.rev,
    userId: read.userId,
    from: read.from,
    to: read.to,
    readAt: isoTime(read.readAt),
  };
}

/** The last frame of the sockets of a user who is banned from the service. */
export function bannedFrame(): string {
  return JSON.stringify(errorEventOf(chatError("banned"), undefined));
}

export function errorEventOf(
  error: ChatError,
  id: FrameId,
): Extract<ServerEvent, { type: "error" }> {
  return {
    type: "error",
    ...(id !== undefined && { id }),
    code: error.code,
    message: error.message,
    ...(error.details && { details: error.details }),
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
  };
}
