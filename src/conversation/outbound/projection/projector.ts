import type { Directory } from "../../../directory/directory.ts";
import { project } from "../../../directory/projection.ts";
import type { Memory } from "../../commit/draft.ts";
import type { Change } from "../../decide/types.ts";
import { type Changes, changesSince } from "../../tables/changes.ts";
import { updateCounters } from "../../tables/conversation.ts";
import { type Changed, remembered, snapshotOf, weightOf } from "./snapshot.ts";

/** How long after a commit the alarm looks whether D1 has it: a crash in between is what it is for. */
const ALARM_AFTER_MS = 1_000;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** D1 is written to so long after a commit, if nobody waits for it sooner. */
export const DELAY_MS = 100;
/** D1 that has not answered for so long is taken to have failed; writing again does no harm. */
const TIMEOUT_MS = 10_000;
/** Changes, and files of theirs, that are remembered for D1 at most (10 MB); of more, the log tells. */
const MAX_FRESH = 5_000;

export interface ProjectorOptions {
  sql: SqlStorage;
  directory: Directory;
  epoch: string;
  memory: Memory;
  setAlarm: (time: number) => void;
  clock: () => number;
  random: () => number;
  log: (event: string, fields: Record<string, unknown>) => void;
}

/** Changes that D1 is to be told of. */
type Untold = Omit<Changes, "rows"> & { rows: readonly Changed[] };

/**
 * Feeds D1 with `changes(projectedRev)`: a moment after a commit, or at once when somebody waits for it,
 * and one write at a time, so that what is committed meanwhile goes together into the next. What was
 * just committed is remembered; after a wake or a failure the log tells. An alarm, set in the same turn
 * as the commit, retries what failed or was cut off. `projectedRev` is stored with the next commit, not in a write of
 * its own: after a crash some of it is written again, which does no harm.
 */
export class Projector {
  private readonly options: ProjectorOptions;
  private running: Promise<void> | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** When the alarm goes off, as far as this life of the object has set it. */
  private alarmAt: number | undefined;
  private failures = 0;
  /** What was committed and not yet given to D1; unset when only the log knows. */
  private fresh: { changes: Changed[]; weight: number } | undefined;
  /** What D1 is to have without delay: everything up to this revision. */
  private urgentRev = 0;
  private waiting: { rev: number; resolve: (reached: boolean) => void }[] = [];

  constructor(options: ProjectorOptions) {
    this.options = options;
  }

  /**
   * Call it in the turn of a commit; `urgent`: whoever asks D1 next is to know of it, so it is written at
   * once, or right after what is being written.
   */
  committed(changes: readonly Change[], urgent = false): void {
    if (urgent) this.urgentRev = this.options.memory.counters.rev;
    for (const change of changes.map(remembered)) {
      if (!this.fresh) break;
      this.fresh.changes.push(change);
      this.fresh.weight += weightOf(change);
      if (this.fresh.weight > MAX_FRESH) this.fresh = undefined;
    }
    this.wakeWithin(ALARM_AFTER_MS);
    // While D1 is unwell, the alarm tries again; every commit doing so would only add to its load.
    if (this.failures > 0) return;
    if (urgent) this.run();
    else this.runSoon();
  }

  /**
   * Begins to write everything to D1 anew, from the first revision on. The mark is stored, so that a
   * crash leaves the rest to the alarm.
   */
  restart(): void {
    this.mark(0);
    this.fresh = undefined;
    updateCounters(this.options.sql, this.options.memory.counters);
    this.committed([]);
  }

  /** Has the alarm go off so soon, unless it does sooner; while D1 is unwell, when that is tried again. */
  wakeWithin(milliseconds: number): void {
    const inTime = this.options.clock() + milliseconds;
    if (this.alarmAt !== undefined && (this.failures > 0 || this.alarmAt <= inTime)) return;
    this.setAlarm(milliseconds);
  }

  /** The alarm went off. Never throws: the platform gives up on an alarm after six failures. */
  async alarm(): Promise<void> {
    this.alarmAt = undefined;
    await this.run();
    if (this.behind() && this.alarmAt === undefined) this.setAlarm(this.backoff());
  }

  /**
   * Resolves to true once D1 has everything up to `rev`, or to false after `timeoutMs`, and at once
   * while D1 is known to be unwell.
   */
  reached(rev: number, timeoutMs: number): Promise<boolean> {
    if (this.options.memory.counters.projectedRev >= rev) return Promise.resolve(true);
    if (this.failures > 0) return Promise.resolve(false);
    this.run();
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter.resolve(false), timeoutMs);
      const waiter = {
        rev,
        resolve: (reached: boolean) => {
          clearTimeout(timer);
          this.waiting = this.waiting.filter((other) => other !== waiter);
          resolve(reached);
        },
      };
      this.waiting.push(waiter);
    });
  }

  private mark(projectedRev: number): void {
    const { memory } = this.options;
    memory.counters = { ...memory.counters, projectedRev };
  }

  private behind(): boolean {
    const { counters } = this.options.memory;
    return counters.projectedRev < counters.rev;
  }

  /** Whether somebody waits for what D1 has not got yet. */
  private isAwaited(): boolean {
    return this.waiting.length > 0 || this.options.memory.counters.projectedRev < this.urgentRev;
  }

  private run(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.running ??= this.catchUp().finally(() => {
      this.running = undefined;
      if (this.failures === 0 && this.behind()) this.runSoon();
    });
    return this.running;
  }

  /** Later, because the turn of a commit has to end before anybody is told of it. */
  private runSoon(): void {
    this.timer ??= setTimeout(() => void this.run(), DELAY_MS);
  }

  private async catchUp(): Promise<void> {
    const { memory, log, sql, epoch } = this.options;
    let more = true;
    let several = false;
    while (this.behind() && (more || this.isAwaited())) {
      const { counters } = memory;
      const changes = this.untold();
      more = changes.more;
      const share = snapshotOf(sql, memory, epoch, changes.rows, changes.to);
      try {
        await withTimeout(project(this.options.directory, share), TIMEOUT_MS);
      } catch (error) {
        this.failures++;
        this.fresh = undefined;
        this.settle(false);
        this.setAlarm(this.backoff());
        log("projection_failed", { failures: this.failures, rev: counters.rev, error });
        return;
      }
      if (this.failures > 0) log("projection_recovered", { failures: this.failures });
      this.failures = 0;
      // Unless everything is to be written anew since this page was read.
      if (memory.counters.projectedRev !== changes.from) {
        more = true;
        continue;
      }
      this.mark(changes.to);
      // A long way is not gone twice because of a crash; a short one costs less than a write.
      several ||= changes.more;
      if (several) updateCounters(sql, memory.counters);
      this.settle(true);
    }
  }

  /** Answers those whose revision D1 has, or all of them when it is unwell. */
  private settle(well: boolean): void {
    const { projectedRev } = this.options.memory.counters;
    for (const waiter of this.waiting.slice()) {
      if (waiter.rev <= projectedRev) waiter.resolve(true);
      else if (!well) waiter.resolve(false);
    }
  }

  /** What D1 has not been told: as it was committed, or from the log where that is not known any more. */
  private untold(): Untold {
    const { memory, sql } = this.options;
    const { conversation, counters } = memory;
    if (this.fresh) {
      const rows = this.fresh.changes;
      this.fresh = nothingFresh();
      return { from: counters.projectedRev, to: counters.rev, rows, more: false };
    }
    const changes = changesSince(sql, conversation, counters, counters.projectedRev);
    if (!changes.more) this.fresh = nothingFresh();
    return changes;
  }

  private setAlarm(afterMs: number): void {
    this.alarmAt = this.options.clock() + afterMs;
    this.options.setAlarm(this.alarmAt);
  }

  private backoff(): number {
    const most = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.max(0, this.failures - 1));
    return most / 2 + (most / 2) * this.options.random();
  }
}

function nothingFresh(): { changes: Changed[]; weight: number } {
  return { changes: [], weight: 0 };
}

function withTimeout<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no answer within ${milliseconds} ms`)),
      milliseconds,
    );
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
