import { isLarge } from "../../../domain/conversation.ts";
import { effectOfBlocks } from "../../../domain/hides.ts";
import type { InboxRow } from "../../../live/inbox-events.ts";
import type { Memory } from "../../commit/draft.ts";
import { CallTimeouts } from "../../timeout.ts";
import { CHECK_AFTER_MS } from "../alarms.ts";
import { backoffMs } from "../backoff.ts";
import type { Consumer, PushedCommit } from "../consumer.ts";
import { ArmedMembers } from "./armed-members.ts";
import {
  type Attention,
  answered,
  CALLED_ONCE,
  called,
  changed,
  failed,
  isDue,
  isNeedless,
  type News,
  type RowChange,
  skipped,
  withAlarm,
} from "./attention.ts";
import { type Concerned, concernedBy, type IsHidden } from "./concerned.ts";
import type { InboxStub } from "./inbox-api.ts";
import type { InboxRows } from "./rows.ts";

const SECOND_MS = 1_000;
/** Calls under way at a time to inboxes of people who are not members any more. */
const CALLS_AT_A_TIME = 50;

export interface InboxesOptions {
  sql: SqlStorage;
  memory: Memory;
  rows: InboxRows;
  clock: () => number;
  /** Calls within a second at most; the rest wait, and are then made with the latest state. */
  callsPerSecond: number;
  stubOf: (userId: string) => InboxStub;
  /** Whether a member is connected to the conversation itself. */
  isHere: (userId: string) => boolean;
  onFailure: (error: unknown) => void;
  /** Has {@link Inboxes.catchUp} called so many milliseconds from now, or sooner. */
  callWithin: (milliseconds: number) => void;
}

/**
 * Tells the inboxes of armed members what a commit changed for them: one call per commit group, with the
 * newest row, and one at a time. An inbox that nobody watches has its member rest: one row in this object,
 * one in the inbox, and no call until the member reads, joins or connects. A call that fails is retried.
 *
 * In large conversations only those are armed whose inbox asks for it, because it shows them. Others are
 * told once when they join and when they are mentioned.
 */
export class Inboxes implements Consumer {
  readonly name = "inboxes";
  readonly stage = "background";
  private readonly options: InboxesOptions;
  private readonly timeouts = new CallTimeouts();
  private readonly armed: ArmedMembers;
  private seenRev: number;
  private isInterrupted = false;
  private readonly calls = new Set<Promise<void>>();
  private second = { from: 0, calls: 0 };
  private pause: ReturnType<typeof setTimeout> | undefined;

  constructor(options: InboxesOptions) {
    this.options = options;
    this.armed = new ArmedMembers(options.sql, options.memory);
    this.seenRev = options.memory.counters.rev;
  }

  get cursor(): number {
    return this.seenRev;
  }

  deliver(commit: PushedCommit): void {
    const { memory } = this.options;
    const isHidden: IsHidden = (senderId, userId) => this.isHidden(senderId, userId);
    const concerned = concernedBy(commit.changes, memory.counters.lastCounted, isHidden);
    const isBehind = commit.from !== this.cursor;
    if (isBehind) concerned.everybody = true;
    this.arm(concerned);
    if (concerned.everybody) {
      for (const userId of this.armed.all().keys()) {
        const news = isBehind ? "mention" : newsFor(userId, concerned, isHidden);
        this.change(userId, { news });
      }
    }
    for (const userId of concerned.mentioned) this.change(userId, { news: "mention" });
    for (const userId of concerned.readers) this.change(userId, { own: "read" });
    for (const userId of concerned.changed) this.change(userId, { own: "membership or flag" });
    this.seenRev = commit.to;
    this.callDue();
  }

  /** The conversation was created: its members' inboxes are to show it at once. */
  created(): void {
    for (const userId of this.armed.all().keys()) {
      this.change(userId, { own: "membership or flag" });
    }
    this.callDue();
  }

  /**
   * The object woke, and what its previous instance had yet to do is not known: every armed inbox that is
   * not called before is called by the next {@link catchUp}.
   */
  interrupted(): void {
    this.isInterrupted = true;
  }

  /**
   * Calls every armed inbox once more: whoever connected while D1 did not accept changes has an old list.
   */
  repeat(): void {
    const now = this.options.clock();
    for (const [userId, attention] of this.armed.all()) {
      const change = { now, isHere: false, own: undefined, news: "none" as const };
      this.armed.set(userId, changed(attention, change));
    }
    this.callDue();
  }

  /**
   * Tells people's inboxes that the conversation is in none of their lists: they were members in an epoch that
   * has ended. One that cannot be told finds it out by its list when its user connects.
   */
  async gone(userIds: readonly string[]): Promise<void> {
    const { rows, stubOf, onFailure } = this.options;
    const tell = (userId: string) => this.timeouts.limit(stubOf(userId).update(rows.removed()));
    for (let first = 0; first < userIds.length; first += CALLS_AT_A_TIME) {
      const page = userIds.slice(first, first + CALLS_AT_A_TIME);
      const told = page.map((userId) => tell(userId).catch(() => tell(userId)));
      for (const outcome of await Promise.allSettled(told)) {
        if (outcome.status === "rejected") onFailure(outcome.reason);
      }
    }
  }

  /** The alarm fired: calls the inboxes that waited for it, and those that may have missed a commit. */
  async catchUp(): Promise<void> {
    const { memory, clock } = this.options;
    const { rev } = memory.counters;
    const isBehind = this.cursor !== rev;
    if (isBehind || this.isInterrupted) {
      for (const [userId, { isKnown, calling }] of this.armed.all()) {
        if (isBehind || (!isKnown && calling === undefined)) {
          this.change(userId, { news: "mention" });
        }
      }
      this.armed.continueTelling();
    }
    this.isInterrupted = false;
    this.seenRev = rev;
    for (const [userId, attention] of this.armed.known()) {
      this.armed.set(userId, withAlarm(attention, clock()));
    }
    this.callDue();
    await Promise.all(this.calls);
  }

  /**
   * Arms a member, whose inbox has somebody connected: it is called with every commit from now on. The
   * newest row; `undefined`: they never were a member.
   */
  rearm(userId: string): InboxRow | undefined {
    const row = this.options.rows.of(userId);
    if (row && !("removed" in row)) this.armed.arm(userId);
    return row;
  }

  /** Arms those who are back; in large conversations those who joined or are mentioned are told once. */
  private arm({ joined, readers, mentioned, mentionsAll }: Concerned): void {
    if (!this.isLarge()) {
      for (const userId of [...joined, ...readers]) this.armed.arm(userId);
      return;
    }
    for (const userId of joined) {
      if (!this.armed.of(userId)) this.armed.set(userId, CALLED_ONCE);
    }
    for (const userId of mentioned) this.armed.armOnce(userId);
    if (mentionsAll) this.armed.tellEverybody();
  }

  private change(
    userId: string,
    { own, news = "none" }: Partial<Pick<RowChange, "own" | "news">>,
  ): void {
    const attention = this.armed.of(userId);
    if (!attention) return;
    const { clock, isHere } = this.options;
    const change = { now: clock(), isHere: isHere(userId), own, news };
    this.armed.set(userId, changed(attention, change));
  }

  private isHidden(senderId: string, userId: string): boolean {
    const { conversation, blocks } = this.options.memory;
    if (effectOfBlocks(conversation.kind) !== "hide") return false;
    return blocks.heldBy(userId).has(senderId);
  }

  private isLarge(): boolean {
    return isLarge(this.options.memory.counters.memberCount);
  }

  /** Calls those who are due, as far as the second allows, and sees to it that the others are called. */
  private callDue(): void {
    const { clock, callsPerSecond, callWithin } = this.options;
    const now = clock();
    if (now - this.second.from >= SECOND_MS || now < this.second.from) {
      this.second = { from: now, calls: 0 };
    }
    let next = Infinity;
    for (const [userId, attention] of this.armed.known()) {
      if (!isDue(attention, now)) {
        if (attention.calling === undefined) next = Math.min(next, attention.dueAt ?? Infinity);
      } else if (this.second.calls >= callsPerSecond) {
        this.continueAt(this.second.from + SECOND_MS);
        next = Math.min(next, now + CHECK_AFTER_MS);
        break;
      } else this.call(userId, attention);
    }
    if (next < Infinity) callWithin(next - now);
    this.armed.endRound();
  }

  /** Goes on when the next second begins; the alarm does if the object is gone by then. */
  private continueAt(time: number): void {
    this.pause ??= setTimeout(() => {
      this.pause = undefined;
      this.callDue();
    }, time - this.options.clock());
  }

  private call(userId: string, attention: Attention): void {
    const row = this.options.rows.of(userId);
    if (!row) {
      this.armed.rest(userId);
      return;
    }
    const unread = "removed" in row ? 0 : row.unread;
    if (!("removed" in row) && isNeedless(attention, unread)) {
      this.armed.set(userId, skipped(attention));
      return;
    }
    this.armed.set(userId, called(attention, unread, this.options.clock()));
    this.second.calls++;
    const call = this.tell(userId, row, unread).finally(() => this.calls.delete(call));
    this.calls.add(call);
  }

  private async tell(userId: string, row: InboxRow, unread: number): Promise<void> {
    const { stubOf, onFailure, clock } = this.options;
    try {
      const answer = await this.timeouts.limit(stubOf(userId).update(row));
      const attention = this.armed.of(userId);
      if (!attention) return;
      // One who left is no longer told, unless they have joined again meanwhile, or there is more to tell.
      const hasLeft = "removed" in row;
      // In large conversations whoever is mentioned is called anyway.
      const hasMentions = answer === "notify of mentions" && this.isLarge();
      const isDone = (hasLeft || hasMentions) && attention.dueAt === undefined;
      const next = isDone ? "rest" : answered(attention, answer, unread);
      if (next === "rest") this.armed.rest(userId);
      else this.armed.settle(userId, next, answer !== "away");
    } catch (error) {
      onFailure(error);
      const attention = this.armed.of(userId);
      if (!attention) return;
      const retryAt = clock() + backoffMs(attention.failures + 1);
      this.armed.set(userId, failed(attention, retryAt));
    }
    this.callDue();
  }
}

/** What is news for a member: nothing of those whom they hide. */
function newsFor(
  userId: string,
  { allMentionedBy, newsFrom }: Concerned,
  isHidden: IsHidden,
): News {
  const isShown = (senderId: string) => !isHidden(senderId, userId);
  if ([...allMentionedBy].some(isShown)) return "mention";
  return [...newsFrom].some(isShown) ? "message" : "none";
}
