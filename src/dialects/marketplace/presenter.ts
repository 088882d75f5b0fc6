import { z } from "@hono/zod-openapi";
import { hiddenSchema, mentionedSchema } from "../../contract/answers.ts";
import { deletedBySchema, moderatedSchema, mutedSchema } from "../../contract/moderation.ts";
import { orNull } from "../../contract/openapi.ts";
import type { Overview } from "../../conversation/api.ts";
import type { MessageForm } from "../../conversation/queries/message-texts.ts";
import type { InboxEntry } from "../../directory/inbox.ts";
import type { Kind, Person, Role } from "../../domain/conversation.ts";
import type { Receipt } from "../../domain/message.ts";
import { MESSAGE_KINDS } from "../../domain/message.ts";
import type { WireMember, WireMessage } from "../../live/events.ts";
import {
  isoTime,
  type LinkTo,
  wireMentions,
  wireMessage,
  wireModeration,
  wireMute,
} from "../../live/wire.ts";

/** Presents conversations, messages and members in the marketplace's form. */

const time = z.iso.datetime();
const metadata = z.record(z.string(), z.unknown()).nullable();

export const messageSchema = z
  .object({
    _id: z.string(),
    chatId: z.string(),
    senderId: z.string().nullable(),
    content: z.string(),
    type: z.enum(MESSAGE_KINDS),
    replyToMessageId: z.string().nullable(),
    attachments: z.array(
      z.object({
        url: z.string(),
        filename: z.string(),
        mimeType: z.string(),
        size: z.number().int(),
        width: z.number().int().optional(),
        height: z.number().int().optional(),
      }),
    ),
    reactions: z.array(
      z.object({ emoji: z.string(), count: z.number().int(), userIds: z.array(z.string()) }),
    ),
    readBy: z.array(z.object({ userId: z.string(), readAt: time })),
    metadata,
    ...mentionedSchema,
    ...hiddenSchema,
    ...deletedBySchema,
    createdAt: time,
    updatedAt: time,
    editedAt: time.nullable(),
    deletedAt: time.nullable(),
  })
  .openapi("ChatMessage");

export const chatSchema = z
  .object({
    _id: z.string(),
    type: z.enum(["direct", "group", "support"]),
    title: z.string().nullable(),
    participants: z.array(
      z.object({
        userId: z.string(),
        name: z.string().nullable(),
        avatarUrl: z.string().nullable(),
        role: z.enum(["owner", "admin", "member"]),
        joinedAt: time,
        ...mutedSchema,
      }),
    ),
    createdBy: z.string(),
    purchaseRequestId: z.string().nullable(),
    subject: z.string().nullable(),
    metadata,
    isArchived: z.boolean(),
    /** A stranger has begun it or added the caller, who has not accepted that. Beyond the reference. */
    request: z.literal(true).optional(),
    unreadCount: z.number().int(),
    /** Among the newest 100 mentions of the caller and of everybody. Beyond the reference. */
    unreadMentions: z.number().int(),
    lastMessage: orNull(messageSchema),
    ...moderatedSchema,
    createdAt: time,
    updatedAt: time,
  })
  .openapi("Chat");
export type Chat = z.infer<typeof chatSchema>;

const ROLE = { owner: "owner", moderator: "admin", member: "member" } as const satisfies Record<
  Role,
  string
>;

export function presentMessage(
  chatId: string,
  message: WireMessage,
  readers: readonly Receipt[],
): z.infer<typeof messageSchema> {
  return {
    _id: message.id,
    chatId,
    senderId: message.senderId,
    content: message.content,
    type: message.kind,
    replyToMessageId: message.replyTo,
    attachments: message.attachments.map(({ key: _, name, ...attachment }) => ({
      ...attachment,
      filename: name,
    })),
    reactions: message.reactions,
    // A deleted message shows no readers.
    readBy:
      message.deletedAt === null
        ? readers.map(({ userId, readAt }) => ({ userId, readAt: isoTime(readAt) }))
        : [],
    metadata: message.metadata,
    ...wireMentions(message),
    ...(message.hidden && { hidden: true as const }),
    ...(message.deletedBy !== undefined && { deletedBy: message.deletedBy }),
    createdAt: message.createdAt,
    updatedAt: message.deletedAt ?? message.editedAt ?? message.createdAt,
    editedAt: message.editedAt,
    deletedAt: message.deletedAt,
  };
}

/** Messages in pages. */
export const marketplaceForm: MessageForm = { name: "marketplace", present: presentMessage };

/** A chat, from its object's overview. */
export function presentChat(overview: Overview, userId: string, linkTo: LinkTo): Chat {
  const { conversation, members, lastMessage, unread, unreadMentions = 0 } = overview;
  const you = members.find((member) => member.userId === userId);
  const last =
    lastMessage &&
    presentMessage(
      conversation.id,
      wireMessage(conversation.id, lastMessage.message, linkTo),
      lastMessage.readers,
    );
  return {
    _id: conversation.id,
    type: typeOf(conversation.kind),
    title: conversation.title,
    participants: members.map((member) => presentParticipant(member, member)),
    createdBy: conversation.createdBy,
    purchaseRequestId: conversation.purchaseRequestId,
    subject: conversation.subject,
    metadata: conversation.metadata,
    isArchived: you?.archived ?? false,
    ...(you?.request && { request: true }),
    unreadCount: unread.get(userId) ?? 0,
    unreadMentions,
    lastMessage: last ?? null,
    ...wireModeration(conversation),
    createdAt: isoTime(conversation.createdAt),
    updatedAt: last?.createdAt ?? isoTime(conversation.createdAt),
  };
}

/** A chat, from an inbox entry; `people` has the profiles of its participants. */
export function presentEntry(
  entry: InboxEntry,
  people: ReadonlyMap<string, Person>,
  linkTo: LinkTo,
): Chat {
  const { conversationId, lastMessage } = entry;
  return {
    _id: conversationId,
    type: typeOf(entry.kind),
    title: entry.title,
    participants: entry.participants.map((member) =>
      presentParticipant(member, people.get(member.userId)),
    ),
    createdBy: entry.createdBy,
    purchaseRequestId: entry.purchaseRequestId,
    subject: entry.subject,
    metadata: entry.metadata,
    isArchived: entry.archived,
    ...(entry.isRequest && { request: true }),
    unreadCount: entry.unread,
    unreadMentions: entry.mentions,
    lastMessage:
      lastMessage &&
      presentMessage(conversationId, wireMessage(conversationId, lastMessage, linkTo), []),
    createdAt: isoTime(entry.createdAt),
    updatedAt: isoTime(entry.lastMessageAt ?? entry.createdAt),
  };
}

function presentParticipant(
  member: { userId: string; role: Role; joinedAt: number; mutedUntil?: number },
  person: Person | undefined,
): Chat["participants"][number] {
  return {
    userId: member.userId,
    name: person?.name ?? null,
    avatarUrl: person?.avatarUrl ?? null,
    role: ROLE[member.role],
    joinedAt: isoTime(member.joinedAt),
    ...wireMute(member),
  };
}

/** A participant in an event. */
export function presentMember(member: WireMember): Chat["participants"][number] {
  const { mutedUntil, ...rest } = member;
  const times = {
    joinedAt: Date.parse(member.joinedAt),
    ...(mutedUntil !== undefined && { mutedUntil: Date.parse(mutedUntil) }),
  };
  return presentParticipant({ ...rest, ...times }, member);
}

/** Purchase-request chats are of type direct here. Channels do not occur. */
export function typeOf(kind: Kind): Chat["type"] {
  return kind === "group" || kind === "support" ? kind : "direct";
}
