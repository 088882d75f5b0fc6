import type { Result } from "../domain/error.ts";
import { effectiveDays, goneAt, keptSince } from "../domain/retention.ts";
import type { Memory } from "./commit/draft.ts";
import type { Answer, Command } from "./decide/types.ts";
import { dropEmptyShards } from "./search/index-tables.ts";
import { nextTurn } from "./search/turn.ts";
import { hasFormer, removeFormer } from "./tables/holds.ts";
import { firstNumberAfter, keptNumbers, messageAt } from "./tables/messages.ts";
import { removeReads } from "./tables/purge.ts";

/** Messages that one commit removes at most. It has to hold the object for less than 50 ms. */
export const PURGED_AT_ONCE = 500;
/** Commits of one run at most, each in a turn of its own, and the pause before the next run. */
const COMMITS_A_RUN = 10;
const PAUSE_MS = 1_000;
/** What becomes due within this time is removed together. */
const EVERY_MS = 60 * 60_000;
/** D1 has to know of messages, and of their files, before they go. */
const D1_WAIT_MS = 5_000;
const D1_RETRY_MS = 60_000;

export interface RetentionOptions {
  sql: SqlStorage;
  memory: Memory;
  clock: () => number;
  /** The days of the setting for the conversation's kind. */
  settingDays: number | undefined;
  submit: (command: Command) => Promise<Result<Answer>>;
  /** Whether D1 has everything up to a revision, within a time. */
  reached: (rev: number, timeoutMs: number) => Promise<boolean>;
  /** Sets the deadline of {@link Retention.run}. */
  runAt: (time: number) => void;
}

/**
 * Removes messages that are not kept any more, in slices, by a deadline of its own. Without retention it has none,
 * and reads and writes nothing.
 */
export class Retention {
  readonly name = "retention";
  private readonly options: RetentionOptions;
  /** Whether there may be former states of messages of a time when a hold stood. */
  private mayHaveFormer = true;

  constructor(options: RetentionOptions) {
    this.options = options;
  }

  /** Whether anything is removed here by time, or was. */
  get isConfigured(): boolean {
    return this.days !== undefined || this.options.memory.conversation.purgedTo !== undefined;
  }

  /** Something has changed that it depends on: has it run. */
  check(): void {
    this.mayHaveFormer = true;
    this.options.runAt(this.options.clock());
  }

  /**
   * Removes what is due and sets the next deadline. Nothing while a legal hold stands: lifting it calls `check`.
   * Rejects where removing fails, to be repeated.
   */
  async run(): Promise<void> {
    const { sql, memory, clock, reached, runAt } = this.options;
    if (memory.holds.isHeld) return;
    if (this.mayHaveFormer) {
      while (hasFormer(sql) && removeFormer(sql)) await nextTurn();
      this.mayHaveFormer = false;
    }
    if (!this.isConfigured) return;
    if (this.isDue()) {
      if (!(await reached(memory.counters.rev, D1_WAIT_MS))) {
        runAt(clock() + D1_RETRY_MS);
        return;
      }
      for (let commits = 0; this.isDue(); commits++) {
        if (memory.holds.isHeld) return;
        if (commits === COMMITS_A_RUN) {
          runAt(clock() + PAUSE_MS);
          return;
        }
        const result = await this.purge();
        if (!result.ok) {
          if (result.error.code === "legal_hold") return;
          throw new Error(`messages were not removed: ${result.error.code}`);
        }
        await nextTurn();
      }
      dropEmptyShards(sql);
      while (removeReads(sql, memory.conversation.purgedTo ?? 0)) await nextTurn();
    }
    const next = this.nextDue();
    if (next !== undefined) runAt(Math.max(next, clock() + EVERY_MS));
  }

  private purge(): Promise<Result<Answer>> {
    const { sql, memory, clock, submit } = this.options;
    const { conversation, counters } = memory;
    const { purgedTo = 0 } = conversation;
    const numbers = { lastNumber: counters.lastNumber, purgedTo };
    const due =
      this.days === undefined
        ? purgedTo
        : firstNumberAfter(sql, "created_at", keptSince(this.days, clock()), numbers) - 1;
    const upTo = Math.min(Math.max(due, purgedTo), purgedTo + PURGED_AT_ONCE);
    return submit({ type: "purge", upTo });
  }

  private isDue(): boolean {
    const next = this.nextDue();
    if (next !== undefined && next <= this.options.clock()) return true;
    const { conversation } = this.options.memory;
    const { purgedTo = 0, pins = [] } = conversation;
    const kept = keptNumbers(this.options.sql, purgedTo);
    return kept.some((number) => !pins.some((pin) => pin.number === number));
  }

  /** When the oldest message is due that is there, and not only pinned; `undefined`: never, or there is none. */
  private nextDue(): number | undefined {
    const { sql, memory } = this.options;
    const oldest = (memory.conversation.purgedTo ?? 0) + 1;
    if (this.days === undefined || oldest > memory.counters.lastNumber) return undefined;
    const message = messageAt(sql, oldest);
    return message && goneAt(message.createdAt, this.days);
  }

  private get days(): number | undefined {
    return effectiveDays(this.options.memory.conversation, this.options.settingDays);
  }
}
