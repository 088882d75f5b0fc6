import type { Member } from "../../../domain/conversation.ts";
import { effectOfBlocks } from "../../../domain/hides.ts";
import { messageIdOf } from "../../../domain/id.ts";
import { PREVIEW_LENGTH, PREVIEWED_MEMBERS } from "../../../domain/inbox.ts";
import type { Message } from "../../../domain/message.ts";
import { truncated } from "../../../domain/text.ts";
import type { InboxEntry, InboxRow } from "../../../live/inbox-events.ts";
import { isoTime } from "../../../live/wire.ts";
import type { Memory } from "../../commit/draft.ts";
import { memberOf, presentMembers } from "../../tables/members.ts";
import { hasMentions, unreadMentions } from "../../tables/mentions.ts";
import { messageAt } from "../../tables/messages.ts";
import { uncountedAfter } from "../../tables/uncounted.ts";

type Common = Omit<InboxEntry, "unread" | "mentions" | "archived" | "request">;

/** Builds the inbox rows of a conversation's members, in its present state. */
export class InboxRows {
  private readonly sql: SqlStorage;
  private readonly epoch: string;
  private readonly memory: Memory;
  /** What the rows of all members share, at the revision in it. */
  private common: Common | undefined;
  /** By what members have read up to; at that revision as well. */
  private readonly uncounted = new Map<number, number>();
  /** Whether anybody is mentioned at that revision. */
  private hasMentions = false;

  constructor({ sql, epoch, memory }: { sql: SqlStorage; epoch: string; memory: Memory }) {
    this.sql = sql;
    this.epoch = epoch;
    this.memory = memory;
  }

  /** The row of somebody who is or was a member; `undefined`: they never were. */
  of(userId: string): InboxRow | undefined {
    const member = memberOf(this.sql, userId);
    if (!member) return undefined;
    const { memory } = this;
    const { rev } = memory.counters;
    if (member.leftAt !== null || member.request === "declined") return this.removed();
    if (this.common?.rev !== rev) {
      this.common = this.commonNow();
      this.hasMentions = hasMentions(this.sql);
      this.uncounted.clear();
    }
    const unread = this.unreadOf(member);
    const isHiding = this.isHiding && memory.blocks.of(userId).length > 0;
    const mentions =
      unread > 0 && this.hasMentions ? unreadMentions(this.sql, member, isHiding) : 0;
    const request = member.request && { request: true as const };
    const row = { ...this.common, unread, mentions, archived: member.archived, ...request };
    const { lastMessage } = row;
    const senderId = lastMessage?.senderId ?? null;
    if (!lastMessage || senderId === null || !isHiding) return row;
    if (!memory.blocks.heldBy(userId).has(senderId)) return row;
    return { ...row, lastMessage: hiddenPreview(lastMessage) };
  }

  /** The row of somebody who is in no list because of it. */
  removed(): InboxRow {
    const { epoch, memory } = this;
    return {
      ...{ conversationId: memory.conversation.id, epoch },
      ...{ rev: memory.counters.rev, removed: true },
    };
  }

  private get isHiding(): boolean {
    return effectOfBlocks(this.memory.conversation.kind) === "hide";
  }

  private unreadOf({ readUpTo, readBeyond }: Member): number {
    const after = this.memory.counters.lastNumber - readUpTo;
    return after - readBeyond - (after > 0 ? this.uncountedAfter(readUpTo) : 0);
  }

  private uncountedAfter(number: number): number {
    const known = this.uncounted.get(number) ?? uncountedAfter(this.sql, number);
    this.uncounted.set(number, known);
    return known;
  }

  private commonNow(): Common {
    const { sql, epoch, memory } = this;
    const { conversation, counters } = memory;
    const last = counters.lastCounted > 0 ? messageAt(sql, counters.lastCounted) : undefined;
    return {
      conversationId: conversation.id,
      epoch,
      rev: counters.rev,
      kind: conversation.kind,
      title: conversation.title,
      ...(conversation.archivedAt !== null && { closed: true }),
      createdAt: isoTime(conversation.createdAt),
      members: presentMembers(sql, PREVIEWED_MEMBERS).map(({ userId }) => userId),
      memberCount: counters.memberCount,
      lastMessage: last ? previewOf(conversation.id, last) : null,
      lastNumber: counters.lastNumber,
    };
  }
}

type Preview = NonNullable<InboxEntry["lastMessage"]>;

/** A message as inbox rows show it. */
export function previewOf(conversationId: string, message: Message): Preview {
  const { number, senderId, kind, content, createdAt, attachments } = message;
  return {
    id: messageIdOf(conversationId, number),
    ...{ number, senderId, kind },
    content: truncated(content, PREVIEW_LENGTH),
    createdAt: isoTime(createdAt),
    attachments: attachments.length,
  };
}

/** The same of somebody whom the user hides. */
function hiddenPreview(preview: Preview): Preview {
  return { ...preview, kind: "text", content: "", attachments: 0, hidden: true };
}
