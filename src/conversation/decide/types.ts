import type { Attachment } from "../../domain/attachment.ts";
import type { Block } from "../../domain/block.ts";
import type {
  Ban,
  Conversation,
  Counters,
  Member,
  Metadata,
  Person,
} from "../../domain/conversation.ts";
import type { Failure } from "../../domain/error.ts";
import type { AskedMentions } from "../../domain/mentions.ts";
import type { Message } from "../../domain/message.ts";
import type { Actor, Facts } from "../../domain/policy.ts";
import type { Allowance, Times } from "../../domain/rate-window.ts";
import type { Figures, ReadFacts } from "../../domain/read-ranges.ts";
import type { LocalAct } from "../tables/audit.ts";
import type { StoredBlock } from "../tables/blocks.ts";
import type { Purgeable } from "../tables/purge.ts";
import type { ReadMark } from "../tables/reads.ts";

/** The commands of a conversation, the same for REST, sockets and gateways. */
export type Command =
  | ({
      type: "send";
      /** `system`: sent by a participant, as the marketplace reference allows. */
      kind: "text" | "system";
      content?: string | undefined;
      clientMessageId?: string | undefined;
      /** A message id. */
      replyTo?: string | undefined;
      /** The files that a claim reserved for this send, and the claim. */
      attachments?: Attachment[] | undefined;
      claim?: string | undefined;
      /** Replaces the files in the digest, where a retry uploads them again under new keys. */
      fingerprint?: string | undefined;
      metadata?: Metadata | undefined;
      /** Nobody is notified. */
      silent?: boolean | undefined;
      /** Code points that the caller's transport accepts. */
      maxLength: number;
      /** The before-send hook was asked. `original`: what was sent, where the hook replaced it. */
      moderated?: { original?: string } | undefined;
    } & AskedMentions)
  /** Mentions that are absent stay as they are. */
  | ({ type: "edit"; messageId: string; content: string; maxLength: number } & AskedMentions)
  | { type: "delete"; messageId: string; reason?: string | undefined }
  | {
      type: "read";
      /** One message, which must exist and not be deleted. */
      messageId?: string | undefined;
      /** Single messages. Without them and `upTo`: all messages. */
      messageIds?: string[] | undefined;
      upTo?: string | undefined;
    }
  /** Sets the caller's own archived flag; without `archived`, toggles it. */
  | { type: "archive"; archived?: boolean | undefined }
  | { type: "react" | "unreact"; messageId: string; emoji: string }
  /** Of groups. `blocks`: those between whoever enters and the people here; `request`: they have to accept it. */
  | {
      type: "add";
      person: Person | undefined;
      blocks?: readonly Block[] | undefined;
      request?: boolean;
    }
  | { type: "remove"; userId: string }
  /** What a member makes of a stranger's request. */
  | { type: "accept" | "decline" }
  /** Of channels. */
  | { type: "join"; blocks?: readonly Block[] | undefined }
  | { type: "leave" }
  | { type: "close" | "reopen"; reason?: string | undefined }
  | { type: "invite"; userId: string; known: boolean }
  | { type: "uninvite" | "expel"; userId: string }
  /** Of groups and channels. */
  | { type: "promote" | "demote"; userId: string }
  | {
      type: "update";
      title?: string | null | undefined;
      description?: string | null | undefined;
      /** 0: none. */
      slowModeSeconds?: number | undefined;
      locked?: boolean | undefined;
      reason?: string | undefined;
      /** Days that messages are kept; `null`: as the setting says. */
      retentionDays?: number | null | undefined;
    }
  /** What an admin decides about it: days; `null`: as the setting says. Of no user. */
  | { type: "retain"; days: number | null }
  | { type: "pin" | "unpin"; messageId: string }
  /** `until`: in milliseconds since the epoch; `null`: without an end. */
  | {
      type: "ban";
      userId: string;
      known: boolean;
      until: number | null;
      reason?: string | undefined;
    }
  | { type: "mute"; userId: string; until: number; reason?: string | undefined }
  | { type: "unban" | "unmute"; userId: string }
  /** Removes messages up to a number, except pinned ones. Of no user. */
  | { type: "purge"; upTo: number }
  /** A legal hold stands from now on, or no longer: `''`: on the conversation, otherwise on that user. Of no user. */
  | { type: "hold"; subject: string; standing: boolean }
  /** Facts about blocks between people of the conversation, from the inboxes of those who block. */
  | { type: "blocks"; blocks: readonly Block[] }
  /** Of an erasure: a person leaves, one of their messages is cleared, one of their reactions is removed. */
  | { type: "erase-member"; userId: string }
  | { type: "erase-message"; number: number }
  | { type: "erase-reaction"; number: number; emoji: string; userId: string };

export type Send = Extract<Command, { type: "send" }>;

/** A change with its own revision. Members and D1 receive it. */
export type Change =
  | {
      type: "message";
      cause: "created" | "edited" | "deleted" | "reaction";
      message: Message;
      /**
       * Distinguishes the send from others under its clientMessageId; set where the stored message
       * no longer does.
       */
      digest?: string | null;
      /** Of a send or an edit that changes it: whose unread mentions may change, before and after. */
      mentioned?: readonly string[];
      /** Of a reaction: who added or removed which emoji. */
      reaction?: Reacted;
    }
  | { type: "member"; cause: MemberCause; member: Member }
  | { type: "read"; read: ReadMark; ahead: boolean }
  /** `isPurged`: messages are gone by it. */
  | { type: "conversation"; conversation: Conversation; isPurged?: true }
  /** A member's own flag: sent to D1 and to no socket. `accepted`: of a request. */
  | { type: "flag"; member: Member; accepted?: true }
  /** A member's own as well. `isSwitched`: they block the other from now on, or no longer. */
  | { type: "block"; block: StoredBlock; isSwitched: boolean };

/** Who added an emoji, or removed it. */
export interface Reacted {
  userId: string;
  emoji: string;
  added: boolean;
}

export type MemberCause = "joined" | "added" | "left" | "removed" | "role";

/** What is stored beside the changes, without a revision or an event. */
export type Effect =
  /** A message that no longer counts for anybody. */
  | { type: "uncounted"; number: number }
  /** A member's `readUpTo` moved from `before` to `after`. */
  | { type: "settled"; userId: string; before: number; after: number }
  | { type: "files-sent"; claim: string; number: number; keys: string[] }
  /** Whose unread mentions a message counts in from now on, and in whose it no longer does. */
  | {
      type: "mentioned";
      number: number;
      rev: number;
      added: readonly string[];
      removed: readonly string[];
    }
  | { type: "reacted"; number: number; emoji: string; userId: string; rev: number }
  | { type: "unreacted"; number: number; emoji: string; userId: string }
  | { type: "reactions-cleared"; number: number }
  | { type: "invited"; userId: string; by: string; at: number }
  /** Messages up to a number are gone, but those to be kept; and the mentions that counted among them. */
  | {
      type: "purged";
      to: number;
      kept: readonly number[];
      mentions: readonly (readonly [userId: string, number: number])[];
    }
  /** A legal hold stands, or no longer. */
  | { type: "held" | "released"; subject: string; at: number }
  /** What a message was before it changed while there was a hold. */
  | { type: "former"; rev: number; message: Message }
  /** An invitation was used or revoked. */
  | { type: "uninvited"; userId: string }
  | { type: "banned"; ban: Ban }
  /** A ban was lifted. */
  | { type: "unbanned"; userId: string }
  /** Somebody sent whom slow mode concerns, and there is no slow mode any more. */
  | { type: "paced"; userId: string; sentAt: number }
  | { type: "pace-ended" }
  /** For the audit log; `rev` is of this command, and of no other act. */
  | { type: "audit"; rev: number; act: LocalAct };

/** The outcome of a command. It takes effect only when its group has committed. */
export interface Decision {
  changes: Change[];
  counters: Counters;
  /** Members whose figures change without a revision. */
  figures?: { userId: string; figures: Figures }[];
  effects?: Effect[];
  /** The abuse limit that it counts against, once. */
  spends?: Spending;
  answer: Answer;
}

/** The answer to a command's caller. */
export interface Answer {
  /** The revision of the change, or of what already existed. */
  rev: number;
  message?: Message;
  /** The clientMessageId was used before for the same message, which is `message`. */
  deduplicated?: true;
  /** Sends only. */
  rate?: Allowance;
  /** Marking read: how many of others' messages, not deleted, became read. */
  modifiedCount?: number;
  /** Archiving: the new flag. */
  archived?: boolean;
}

export interface Limits {
  /** Messages of one sender within any 60 seconds. */
  messagesPerMinute: number;
  /** Code points of a text sent over a socket; REST uses its dialect's limit. */
  contentLength: number;
  editWindowMs: number;
  /** Days that messages are kept by the setting for its kind; absent: they stay. Owners may only shorten them. */
  retentionDays?: number;
  /** Absent where abuse limits are switched off (`REQUEST_LIMITS`). */
  abuse?: AbuseLimits;
}

/** What an abuse limit counts: edits, deletions and reactions; read marks. */
export type Spending = "changes" | "reads";

/** Abuse limits per person within any 60 seconds. */
export interface AbuseLimits {
  /** Edits, deletions and reactions. */
  changesPerMinute: number;
  /** Read marks. */
  readsPerMinute: number;
}

/** What a decision may read: the committed state, with what its group has decided so far. */
export interface State {
  readonly conversation: Conversation;
  readonly counters: Counters;
  readonly limits: Limits;
  /** The server's clock, in milliseconds since the epoch: for limits, never for `createdAt`. */
  readonly clock: number;
  member(userId: string): Member | undefined;
  /** The facts about a user that the policy needs. */
  factsOf(userId: string): Facts;
  /** The longest-standing member other than `apartFrom`. */
  longestMember(apartFrom: string): Member | undefined;
  /** When a user was last invited; `undefined` if they were not, or have joined since. */
  invitedAt(userId: string): number | undefined;
  /** The ban of a user, which may have expired. */
  banOf(userId: string): Ban | undefined;
  /** How many bans are stored, expired ones included. */
  countBans(): number;
  /** When somebody whom slow mode concerns sent last, since it is on. */
  pacedAt(userId: string): number | undefined;
  /** Whether a claim on uploads has been voided. */
  isVoided(claim: string): boolean;
  hasReacted(number: number, emoji: string, userId: string): boolean;
  /** The first people who reacted with an emoji, in order. */
  firstReactors(number: number, emoji: string, limit: number): string[];
  message(number: number): Message | undefined;
  /** `null`: the system. */
  sentAs(senderId: string | null, clientMessageId: string): Sent | undefined;
  /**
   * The times of a sender's sends by the clock, ascending, at least those within the rate window.
   */
  sendTimes(userId: string): Times;
  /** The times that count against a person's abuse limit, likewise. */
  spent(what: Spending, userId: string): Times;
  /**
   * Milliseconds for which a person's changes are refused because of changes in other
   * conversations; 0 for none.
   */
  changesWaitMs(userId: string): number;
  /** The newest countable message before `number`; 0 for none. */
  countedBefore(number: number): number;
  /** Members who read message `number` out of order and whose `readUpTo` is still below it. */
  readersAhead(number: number): string[];
  /** Numbers of the messages of a sender within `from`…`to` that count, ascending. */
  countableOf(senderId: string, from: number, to: number): number[];
  blockBetween(userId: string, blockedId: string): StoredBlock | undefined;
  /** Who blocks a user, or did. */
  blocksAgainst(blockedId: string): readonly StoredBlock[];
  /** Whether a user blocks somebody here, or is blocked. */
  isBlockedOrBlocks(userId: string): boolean;
  readFacts(member: Member): ReadFacts;
  /** Whether a legal hold stands. */
  readonly isHeld: boolean;
  /** The messages up to a number that are still there, with what removing them takes. */
  purgeable(to: number): readonly Purgeable[];
  /** Present members who have read beyond their `readUpTo`, which is below a number: at most so many. */
  membersBehind(number: number, limit: number): Member[];
}

/** A message sent under a `clientMessageId`, in its present state. */
export interface Sent {
  message: Message;
  /** Digest of what was sent; `null` where the message still equals it. */
  digest: string | null;
}

/** A command with everything that deciding it needs, gathered beforehand. */
export interface CommandRequest {
  actor: Actor;
  command: Command;
  /** It was refused before it could be decided, as by the before-send hook. */
  refused?: Failure;
}
