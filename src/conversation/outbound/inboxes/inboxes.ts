import { isLarge } from "../../../domain/conversation.ts";
import type { InboxRow } from "../../../live/inbox-events.ts";
import type { Memory } from "../../commit/draft.ts";
import {
  armedBeforeRound,
  armedMembers,
  deleteArmed,
  endFirstRound,
  insertArmed,
} from "../../tables/armed.ts";
import { presentMembers } from "../../tables/members.ts";
import { CallTimeouts } from "../../timeout.ts";
import { backoffMs } from "../backoff.ts";
import type { Consumer, PushedCommit } from "../consumer.ts";
import {
  type Attention,
  answered,
  called,
  changed,
  failed,
  isDue,
  isNeedless,
  NEWLY_ARMED,
  RESTORED,
  type RowChange,
  rearmed,
  skipped,
} from "./attention.ts";
import { concernedBy } from "./concerned.ts";
import type { InboxStub } from "./inbox-api.ts";
import type { InboxRows } from "./rows.ts";

/** Calls of one conversation within a second; the rest wait, and are then made with the latest state. */
export const CALLS_PER_SECOND = 500;
const SECOND_MS = 1_000;
/** Members of a conversation whose members are armed without having asked for it. */
const FIRST_ROUND_MEMBERS = 200;

export interface InboxesOptions {
  sql: SqlStorage;
  memory: Memory;
  rows: InboxRows;
  clock: () => number;
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
 */
export class Inboxes implements Consumer {
  readonly name = "inboxes";
  readonly stage = "background";
  private readonly options: InboxesOptions;
  private readonly timeouts = new CallTimeouts();
  /** The armed members; `undefined`: not read yet since the object woke. */
  private armed: Map<string, Attention> | undefined;
  private isFirstRound = false;
  private seenRev: number;
  private readonly calls = new Set<Promise<void>>();
  private second = { from: 0, calls: 0 };
  private pause: ReturnType<typeof setTimeout> | undefined;

  constructor(options: InboxesOptions) {
    this.options = options;
    this.seenRev = options.memory.counters.rev;
  }

  get cursor(): number {
    return this.seenRev;
  }

  deliver(commit: PushedCommit): void {
    const { memory } = this.options;
    const concerned = concernedBy(commit.changes, memory.counters.lastCounted);
    const all = this.load();
    if (commit.from !== this.cursor) concerned.everybody = true;
    const { everybody, changed, joined, readers } = concerned;
    for (const userId of [...joined, ...readers]) if (!all.has(userId)) this.arm(userId);
    if (everybody) for (const userId of all.keys()) this.change(userId);
    for (const userId of readers) this.change(userId, "read");
    for (const userId of changed) this.change(userId, "membership or flag");
    this.seenRev = commit.to;
    this.callDue();
  }

  /** Calls the inboxes that are due, and those that may have missed a commit before the object woke. */
  async catchUp(): Promise<void> {
    const all = this.load();
    const isBehind = this.cursor !== this.options.memory.counters.rev;
    for (const [userId, { isKnown, calling }] of all) {
      if (isBehind || (!isKnown && calling === undefined)) this.change(userId);
    }
    this.seenRev = this.options.memory.counters.rev;
    this.callDue();
    await Promise.all(this.calls);
  }

  /**
   * Arms a member, whose inbox has somebody connected: it is called with every commit from now on. The
   * newest row; `undefined`: they never were a member.
   */
  rearm(userId: string): InboxRow | undefined {
    const row = this.options.rows.of(userId);
    if (row && !("removed" in row)) {
      this.load();
      this.arm(userId);
    }
    return row;
  }

  private arm(userId: string): void {
    const all = this.load();
    const known = all.get(userId);
    if (!known?.isStored) insertArmed(this.options.sql, userId);
    all.set(userId, { ...rearmed(known ?? NEWLY_ARMED), isStored: true });
  }

  private load(): Map<string, Attention> {
    if (this.armed) return this.armed;
    const { sql, memory } = this.options;
    const stored = armedMembers(sql);
    this.armed = new Map(
      (stored ?? armedBeforeRound(sql)).map((userId) => [userId, RESTORED] as const),
    );
    if (stored) return this.armed;
    this.isFirstRound = true;
    if (!isLarge(memory.counters.memberCount)) {
      for (const { userId } of presentMembers(sql, FIRST_ROUND_MEMBERS)) {
        if (!this.armed.has(userId)) this.armed.set(userId, NEWLY_ARMED);
      }
    }
    return this.armed;
  }

  private change(userId: string, own?: RowChange["own"]): void {
    const attention = this.armed?.get(userId);
    if (!attention) return;
    const { clock, isHere } = this.options;
    this.armed?.set(userId, changed(attention, { now: clock(), isHere: isHere(userId), own }));
  }

  /** Calls those who are due, as far as the second allows, and sees to it that the others are called. */
  private callDue(): void {
    const { clock, callWithin } = this.options;
    const now = clock();
    if (now - this.second.from >= SECOND_MS || now < this.second.from) {
      this.second = { from: now, calls: 0 };
    }
    let next = Infinity;
    for (const [userId, attention] of this.load()) {
      if (!isDue(attention, now)) {
        if (attention.calling === undefined) next = Math.min(next, attention.dueAt ?? Infinity);
      } else if (this.second.calls >= CALLS_PER_SECOND) {
        this.pause ??= setTimeout(
          () => {
            this.pause = undefined;
            this.callDue();
          },
          this.second.from + SECOND_MS - now,
        );
        break;
      } else this.call(userId, attention);
    }
    if (next < Infinity) callWithin(next - now);
    this.endRound();
  }

  private call(userId: string, attention: Attention): void {
    const row = this.options.rows.of(userId);
    if (!row) {
      this.drop(userId);
      return;
    }
    const unread = "removed" in row ? 0 : row.unread;
    if (!("removed" in row) && isNeedless(attention, unread)) {
      this.armed?.set(userId, skipped(attention));
      return;
    }
    this.armed?.set(userId, called(attention));
    this.second.calls++;
    const call = this.told(userId, row, unread).finally(() => this.calls.delete(call));
    this.calls.add(call);
  }

  private async told(userId: string, row: InboxRow, unread: number): Promise<void> {
    const { stubOf, onFailure, clock } = this.options;
    try {
      const answer = await this.timeouts.limit(stubOf(userId).update(row));
      const attention = this.armed?.get(userId);
      if (!attention) return;
      // One who left is dropped, unless they have joined again meanwhile.
      const hasLeft = "removed" in row && attention.dueAt === undefined;
      const next = hasLeft ? "rest" : answered(attention, answer, unread);
      if (next === "rest") this.drop(userId);
      else this.settle(userId, next, answer === "watching");
    } catch (error) {
      onFailure(error);
      const attention = this.armed?.get(userId);
      if (!attention) return;
      const retryAt = clock() + backoffMs(attention.failures + 1);
      this.armed?.set(userId, failed(attention, retryAt));
    }
    this.callDue();
  }

  /** Stores that a member of the first round is armed. */
  private settle(userId: string, attention: Attention, isWatching: boolean): void {
    const { sql } = this.options;
    if (isWatching && !attention.isStored) insertArmed(sql, userId);
    this.armed?.set(userId, { ...attention, isStored: attention.isStored || isWatching });
  }

  private drop(userId: string): void {
    if (this.armed?.get(userId)?.isStored) deleteArmed(this.options.sql, userId);
    this.armed?.delete(userId);
  }

  /** Stores that the first round is done, once every inbox was called. */
  private endRound(): void {
    if (!this.isFirstRound) return;
    for (const { isKnown } of this.load().values()) if (!isKnown) return;
    const { sql } = this.options;
    // Those whose inbox nobody watches, and who have nothing to be told of.
    for (const [userId, attention] of this.load()) this.settle(userId, attention, true);
    endFirstRound(sql);
    this.isFirstRound = false;
  }
}
