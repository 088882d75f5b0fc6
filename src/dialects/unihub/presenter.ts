import type { z } from "zod";
import type {
  channelDetailsSchema,
  channelMemberSchema,
  channelSchema,
  conversationSchema,
  messageSchema,
  myChannelSchema,
  sentSchema,
} from "../../contract/answers.ts";
import type { Info } from "../../conversation/api.ts";
import type { Answer } from "../../conversation/decide/types.ts";
import type { MessageForm } from "../../conversation/queries/message-texts.ts";
import type { ListedChannel } from "../../directory/channels.ts";
import type { InboxEntry } from "../../directory/inbox.ts";
import type { Member, Role } from "../../domain/conversation.ts";
import { messageIdOf } from "../../domain/id.ts";
import type { MessageKind } from "../../domain/message.ts";
import type { WireMessage } from "../../live/events.ts";
import {
  isoTime,
  type LinkTo,
  wireMentions,
  wireMessage,
  wireModeration,
  wireMute,
} from "../../live/wire.ts";

/** Presents conversations, messages and members in UniHub's form. */

const TYPES = {
  text: "Text",
  file: "File",
  image: "Image",
  video: "Video",
  system: "System",
} as const satisfies Record<MessageKind, string>;

export function presentMessage(
  conversationId: string,
  message: WireMessage,
): z.infer<typeof messageSchema> {
  return {
    messageId: message.id,
    conversationId,
    senderId: message.senderId,
    content: message.content,
    // A participant may send messages of kind `system`; only real system messages have no sender.
    type: message.senderId !== null && message.kind === "system" ? "Text" : TYPES[message.kind],
    sentAt: message.createdAt,
    editedAt: message.editedAt,
    isDeleted: message.deletedAt !== null,
    replyToMessageId: message.replyTo,
    attachments: message.attachments.map((attachment) => ({
      fileName: attachment.name,
      fileUrl: attachment.url,
      fileSize: attachment.size,
      mimeType: attachment.mimeType,
      thumbnailUrl: null,
    })),
    reactions: message.reactions,
    ...wireMentions(message),
    ...(message.hidden && { hidden: true as const }),
    ...(message.deletedBy !== undefined && { deletedBy: message.deletedBy }),
  };
}

/** Messages in pages. */
export const unihubForm: MessageForm = { name: "unihub", present: presentMessage };

/** The answer to a send. */
export function presentSent(conversationId: string, answer: Answer): z.infer<typeof sentSchema> {
  const { message, deduplicated } = answer;
  if (!message) throw new Error("a send without a message");
  return {
    messageId: messageIdOf(conversationId, message.number),
    sentAt: isoTime(message.createdAt),
    ...(deduplicated && { deduplicated }),
  };
}

export function presentConversation(
  entry: InboxEntry,
  linkTo: LinkTo,
): z.infer<typeof conversationSchema> {
  const { conversationId, lastMessage } = entry;
  return {
    conversationId,
    type: entry.kind === "direct" || entry.kind === "purchase-request" ? "Direct" : "Group",
    title: entry.title,
    participantIds: entry.participants.map(({ userId }) => userId),
    lastMessageTime: entry.lastMessageAt === null ? null : isoTime(entry.lastMessageAt),
    isArchived: entry.archived,
    ...(entry.isRequest && { request: true }),
    unreadCount: entry.unread,
    unreadMentions: entry.mentions,
    lastMessage:
      lastMessage &&
      presentMessage(conversationId, wireMessage(conversationId, lastMessage, linkTo)),
  };
}

export function presentChannel(channel: ListedChannel): z.infer<typeof channelSchema> {
  return {
    channelId: channel.channelId,
    name: channel.name ?? "",
    description: channel.description,
    type: channel.visibility === "public" ? "Public" : "Private",
    ownerId: channel.ownerId,
    memberCount: channel.memberCount,
    createdAt: isoTime(channel.createdAt),
    isArchived: channel.archivedAt !== null,
  };
}

export function presentMyChannel(
  channel: ListedChannel & { role: Role },
): z.infer<typeof myChannelSchema> {
  return { ...presentChannel(channel), ...presentRole(channel.role) };
}

export function presentChannelInfo(info: Info): z.infer<typeof channelDetailsSchema> {
  const { id, title, createdBy, ...facts } = info.conversation;
  return {
    ...presentChannel({
      ...facts,
      channelId: id,
      name: title,
      ownerId: createdBy,
      memberCount: info.memberCount,
    }),
    ...presentRole(info.you?.role),
    ...wireModeration(info.conversation),
  };
}

export function presentChannelMember(member: Member): z.infer<typeof channelMemberSchema> {
  return {
    userId: member.userId,
    name: member.name,
    avatarUrl: member.avatarUrl,
    joinedAt: isoTime(member.joinedAt),
    ...presentRole(member.role),
    ...wireMute(member),
  };
}

/** An owner counts as a moderator. */
export function presentRole(role: Role | undefined) {
  return { isModerator: role === "owner" || role === "moderator", isOwner: role === "owner" };
}
