import type { Attachment } from "../../domain/attachment.ts";
import type {
  Conversation,
  Counters,
  Member,
  Metadata,
  Person,
} from "../../domain/conversation.ts";
import type { Message } from "../../domain/message.ts";
import type { Actor, Facts } from "../../domain/policy.ts";
import type { Allowance, Times } from "../../domain/rate-window.ts";
import type { Figures, ReadFacts } from "../../domain/read-ranges.ts";
import type { ReadMark } from "../tables/reads.ts";

/** What can be asked of a conversation. REST and sockets make the same ones. */
export type Command =
  | {
      type: "send";
      /** `system` is a participant's own, as the marketplace reference has it. */
      kind: "text" | "system";
      content?: string | undefined;
      clientMessageId?: string | undefined;
      /** A message id. */
      replyTo?: string | undefined;
      /** Files reserved for this send, and the claim that reserved them. */
      attachments?: Attachment[] | undefined;
      claim?: string | undefined;
      /** What stands for the files in the digest, where a retry brings them anew; else their keys. */
      fingerprint?: string | undefined;
      metadata?: Metadata | undefined;
      /** Code points that the caller's transport accepts. */
      maxLength: number;
    }
  | { type: "edit"; messageId: string; content: string; maxLength: number }
  | { type: "delete"; messageId: string }
  | {
      type: "read";
      /** One message, which must be there and not deleted. */
      messageId?: string | undefined;
      /** Single messages; absent or empty, with no `upTo`: all. */
      messageIds?: string[] | undefined;
      upTo?: string | undefined;
    }
  /** Turns the caller's own archived flag. */
  | { type: "archive" }
  | { type: "react" | "unreact"; messageId: string; emoji: string }
  /** Of groups. */
  | { type: "add"; person: Person | undefined }
  | { type: "remove"; userId: string }
  /** Of channels. */
  | { type: "join" | "leave" | "close" | "reopen" }
  | { type: "invite"; userId: string; known: boolean }
  | { type: "uninvite" | "expel" | "promote" | "demote"; userId: string }
  | { type: "update"; title?: string | undefined; description?: string | null | undefined };

/** A change that takes a revision, and that members and D1 learn of. */
export type Change =
  | {
      type: "message";
      cause: "created" | "edited" | "deleted" | "reaction";
      message: Message;
      /**
       * What tells the send from another under the same clientMessageId, where the message as it is
       * stored no longer does.
       */
      digest?: string | null;
      /** Of a reaction: who left or took back which emoji. */
      reaction?: Reacted;
    }
  | { type: "member"; cause: MemberCause; member: Member }
  | { type: "read"; read: ReadMark; ahead: boolean }
  | { type: "conversation"; conversation: Conversation }
  /** A member's own flag: it reaches D1, and nobody's socket. */
  | { type: "flag"; member: Member };

/** Who left an emoji, or took it back. */
export interface Reacted {
  userId: string;
  emoji: string;
  added: boolean;
}

export type MemberCause = "joined" | "added" | "left" | "removed" | "role";

/** What is stored beside the changes, and what nobody is told of by itself. */
export type Effect =
  /** A message that counts for nobody from now on. */
  | { type: "uncounted"; number: number }
  /** A member's `readUpTo` went from `before` to `after`. */
  | { type: "settled"; userId: string; before: number; after: number }
  | { type: "files-sent"; claim: string; number: number; keys: string[] }
  | { type: "reacted"; number: number; emoji: string; userId: string; rev: number }
  | { type: "unreacted"; number: number; emoji: string; userId: string }
  | { type: "reactions-cleared"; number: number }
  | { type: "invited"; userId: string; by: string; at: number }
  /** An invitation was used up or revoked. */
  | { type: "uninvited"; userId: string };

/** What a command comes to. Nothing of it holds before the group that it is in has committed. */
export interface Decision {
  changes: Change[];
  counters: Counters;
  /** Members whose figures move without a revision of their own. */
  figures?: { userId: string; figures: Figures }[];
  effects?: Effect[];
  /** The limit against abuse of which it takes one. */
  spends?: Spending;
  answer: Answer;
}

/** What the caller of a command learns. */
export interface Answer {
  /** The revision of the change, or of what was there already. */
  rev: number;
  message?: Message;
  /** The clientMessageId was used before for the same message, which is the one given here. */
  deduplicated?: true;
  /** Sends only. */
  rate?: Allowance;
  /** Marking read: how many messages, others' and not deleted, became read. */
  modifiedCount?: number;
  /** Archiving: the flag as it is now. */
  archived?: boolean;
}

export interface Limits {
  /** Messages of one sender within any 60 seconds. */
  messagesPerMinute: number;
  /** Code points of a text that comes over a socket; REST has its dialect's. */
  contentLength: number;
  editWindowMs: number;
  /** Absent where limits against abuse are switched off (`REQUEST_LIMITS`). */
  abuse?: AbuseLimits;
}

/** What a limit against abuse counts: edits, deletions and reactions; marks of what was read. */
export type Spending = "changes" | "reads";

/** Limits against abuse, for one person within any 60 seconds. */
export interface AbuseLimits {
  /** Edits, deletions and reactions. */
  changesPerMinute: number;
  /** Marks of what was read. */
  readsPerMinute: number;
}

/** What a decision may look at: the committed state and what its group has decided before it. */
export interface State {
  readonly conversation: Conversation;
  readonly counters: Counters;
  readonly limits: Limits;
  /** What the server's clock says, in milliseconds since the epoch: for limits, and never for `createdAt`. */
  readonly clock: number;
  member(userId: string): Member | undefined;
  /** What the policy needs to know of somebody. */
  factsOf(userId: string): Facts;
  /** The member who has been in it longest, apart from one. */
  longestMember(apartFrom: string): Member | undefined;
  /** When somebody was invited last; `undefined` when they were not, or have joined since. */
  invitedAt(userId: string): number | undefined;
  /** Whether a claim on uploads was voided before it came here. */
  isVoided(claim: string): boolean;
  hasReacted(number: number, emoji: string, userId: string): boolean;
  /** The first people behind an emoji, in the order in which they reacted. */
  firstReactors(number: number, emoji: string, limit: number): string[];
  message(number: number): Message | undefined;
  sentAs(senderId: string, clientMessageId: string): Sent | undefined;
  /** When a sender sent, by the clock, ascending, as far back as the rate window looks. */
  sendTimes(userId: string): Times;
  /** When a person spent of a limit against abuse, likewise. */
  spent(what: Spending, userId: string): Times;
  /** Milliseconds for which a person's changes are refused for what they did elsewhere; 0 for none. */
  changesWaitMs(userId: string): number;
  /** The newest countable message before `number`; 0 for none. */
  countedBefore(number: number): number;
  /** Those who read message `number` out of order and have not caught up with it. */
  readersAhead(number: number): string[];
  readFacts(member: Member): ReadFacts;
}

/** A message that was sent under a `clientMessageId`, as it is now. */
export interface Sent {
  message: Message;
  /** Of what was sent; `null` where the message still is what was sent. */
  digest: string | null;
}

/** A command on its way to be decided: everything it needs to know is gathered here, beforehand. */
export interface CommandRequest {
  actor: Actor;
  command: Command;
}
