import type { ExportRow } from "../../conversation/queries/export-api.ts";
import type { Ban, Conversation, Member } from "../../domain/conversation.ts";
import { messageIdOf } from "../../domain/id.ts";
import type { Message } from "../../domain/message.ts";
import { attachmentsIn, parsed } from "../../domain/stored.ts";
import { isoTime, isoTimeOrNull } from "../../live/wire.ts";
import type { Line } from "./tables.ts";
import { keyOf } from "./tables.ts";

/** The lines of an archive, of which docs/export.md has each field. */

/** The lines of one conversation. `prefix`: what its keys begin with, where an archive has several. */
export class ConversationLines {
  private readonly conversationId: string;
  private readonly prefix: string;

  constructor(conversationId: string, prefix = "") {
    this.conversationId = conversationId;
    this.prefix = prefix;
  }

  /** What the key of a message is, and of what belongs to it begins with. */
  keyOf(number: number): string {
    return this.prefix + keyOf(number);
  }

  /** The line of a row; none: it is not one of lines. */
  of(row: ExportRow): Line | undefined {
    const { prefix } = this;
    switch (row.type) {
      case "conversation":
        return { list: "conversation", key: "0", value: this.conversation(row.conversation) };
      case "member": {
        const { member } = row;
        return { list: "members", key: prefix + member.userId, value: this.member(member) };
      }
      case "message": {
        const { message } = row;
        return { list: "messages", key: this.keyOf(message.number), value: this.message(message) };
      }
      case "read": {
        const { userId, rev, from, to, readAt } = row.read;
        const value = { ...this.where(), userId, from, to, readAt: isoTime(readAt), rev };
        return { list: "reads", key: this.keyOf(rev), value };
      }
      case "act": {
        const { rev, act } = row.act;
        const value = { ...this.where(), rev, ...act, at: isoTime(act.at) };
        return { list: "acts", key: this.keyOf(rev), value };
      }
      case "reactor": {
        const { number, emoji, userId } = row.reactor;
        return this.reaction(number, emoji, userId);
      }
      case "invitation": {
        const { userId, invitedBy, invitedAt } = row.invitation;
        const value = { ...this.where(), userId, invitedBy, invitedAt: isoTime(invitedAt) };
        return { list: "invitations", key: prefix + userId, value };
      }
      case "held": {
        const { number, rev, message } = row.held;
        const value = { ...this.messageId(number), rev, ...formerOf(message) };
        return { list: "held", key: `${this.keyOf(number)}/${keyOf(rev)}`, value };
      }
      case "own reactions":
      case "no reactions":
        return undefined;
    }
  }

  ban({ userId, bannedBy, bannedAt, until, reason }: Ban): Line {
    const times = { bannedAt: isoTime(bannedAt), until: isoTimeOrNull(until) };
    const value = { ...this.where(), userId, bannedBy, ...times, reason };
    return { list: "bans", key: this.prefix + userId, value };
  }

  reaction(number: number, emoji: string, userId: string): Line {
    const key = `${this.keyOf(number)}/${emoji}/${userId}`;
    return { list: "reactions", key, value: { ...this.messageId(number), emoji, userId } };
  }

  /** A reaction of the person whom an export is of. */
  ownReaction(number: number, emoji: string): Line {
    const key = `${this.keyOf(number)}/${emoji}`;
    return { list: "reactions", key, value: { ...this.messageId(number), emoji } };
  }

  /** Which conversation it is, where the archive has several. */
  private where(): { conversationId?: string } {
    return this.prefix === "" ? {} : { conversationId: this.conversationId };
  }

  private messageId(number: number) {
    return { ...this.where(), id: messageIdOf(this.conversationId, number), number };
  }

  private conversation({ pins = [], ...conversation }: Conversation): object {
    const { id, createdAt, archivedAt, slowModeSeconds, locked, retentionDays, purgedTo, ...rest } =
      conversation;
    return {
      ...{ id, ...rest, createdAt: isoTime(createdAt), archivedAt: isoTimeOrNull(archivedAt) },
      ...{ slowModeSeconds: slowModeSeconds ?? 0, locked: locked ?? false },
      ...{ retentionDays: retentionDays ?? null, purgedTo: purgedTo ?? 0 },
      pins: pins.map(({ number, pinnedBy, pinnedAt }) => ({
        ...{ id: messageIdOf(this.conversationId, number), number },
        ...{ pinnedBy, pinnedAt: isoTime(pinnedAt) },
      })),
    };
  }

  private member(member: Member): object {
    const { userId, name, avatarUrl, role, joinedAt, leftAt, archived, request, mutedUntil, rev } =
      member;
    return {
      ...{ ...this.where(), userId, name, avatarUrl, role },
      ...{ joinedAt: isoTime(joinedAt), leftAt: isoTimeOrNull(leftAt), archived },
      ...{ request: request ?? null, mutedUntil: isoTimeOrNull(mutedUntil ?? null), rev },
    };
  }

  private message({ hidden: _, ...message }: Message): object {
    const { number, createdAt, clockAt, editedAt, deletedAt, replyTo, ...rest } = message;
    return {
      ...this.messageId(number),
      ...rest,
      replyTo: replyTo === null ? null : messageIdOf(this.conversationId, replyTo),
      ...{
        createdAt: isoTime(createdAt),
        ...(clockAt !== undefined && { clockAt: isoTime(clockAt) }),
      },
      ...{ editedAt: isoTimeOrNull(editedAt), deletedAt: isoTimeOrNull(deletedAt) },
    };
  }
}

/** Whether more people have reacted to a message with one emoji than its own line names. */
export function isCrowded({ reactions }: Pick<Message, "reactions">): boolean {
  return reactions.some(({ count, userIds }) => count > userIds.length);
}

const FIELDS = ["senderId", "kind", "content", "metadata", "mentions", "mentionsAll", "deletedBy"];
const TIMES = ["createdAt", "editedAt", "deletedAt"];

/** What was stored of a message before a change; what cannot be read is left out. */
function formerOf(stored: string): object {
  const message: Record<string, unknown> = Object(parsed(stored));
  const fields = FIELDS.flatMap((name) => (name in message ? [[name, message[name]]] : []));
  const times = TIMES.map((name) => {
    const time = message[name];
    return [name, typeof time === "number" ? isoTime(time) : null];
  });
  return {
    ...Object.fromEntries([...fields, ...times]),
    attachments: attachmentsIn(message["attachments"]),
  };
}
