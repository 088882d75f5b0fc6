import type { Directory } from "../../../directory/directory.ts";
import { projectedVersion } from "../../../directory/former-rows.ts";
import { project } from "../../../directory/projection.ts";
import type { Member } from "../../../domain/conversation.ts";
import type { Memory } from "../../commit/draft.ts";
import type { Change } from "../../decide/types.ts";
import { actsBetween, type StoredAct } from "../../tables/audit.ts";
import { blocksChangedWithin } from "../../tables/blocks.ts";
import { type Changes, changesSince } from "../../tables/changes.ts";
import { updateCounters } from "../../tables/conversation.ts";
import { CallTimeouts } from "../../timeout.ts";
import { CHECK_AFTER_MS } from "../alarms.ts";
import { backoffMs } from "../backoff.ts";
import type { Consumer, PushedCommit } from "../consumer.ts";
import { type Changed, changedOf } from "./changed.ts";
import { concernsFiles } from "./concerns-files.ts";
import type { FormerEpoch } from "./former-epoch.ts";
import { snapshotOf } from "./snapshot.ts";
import { UnprojectedChanges } from "./unprojected-changes.ts";
import { Waiters } from "./waiters.ts";

/** D1 is written to so long after a commit, unless a caller waits for it. */
export const DELAY_MS = 100;
/** For so long after a write that several callers waited for, others are taken to follow them. */
const BUSY_MS = 1_000;
/** D1 is asked so often at most whether it has more than is stored here. */
const COMPARE_EVERY_MS = 60_000;
/** D1 that has not answered for so long is taken to have failed; writing again does no harm. */
const TIMEOUT_MS = 10_000;

export interface ProjectorOptions {
  sql: SqlStorage;
  directory: Directory;
  epoch: string;
  memory: Memory;
  /** Has {@link Projector.catchUp} called at a time, in milliseconds since the epoch. */
  setAlarm: (time: number) => void;
  clock: () => number;
  random: () => number;
  /**
   * People are members in D1 from now on. Their blocks and their entering may have crossed: now either side
   * sees the other. Where it rejects, D1 is written to again.
   */
  onEntered: (userIds: readonly string[]) => Promise<void>;
  /** What D1 may have of an earlier epoch, to be removed first; absent: nothing. */
  former?: Pick<FormerEpoch, "sweepPage"> | undefined;
  /**
   * D1 has revisions up to one, or an epoch, that are not stored here: the storage was taken back to an earlier
   * time.
   */
  onAhead?: ((given: { epoch: string; rev: number }) => void) | undefined;
  /** D1 accepts changes again, and has those that it did not accept before. */
  onRecovered: () => void;
  /** D1 has everything that was committed. */
  onWritten?: () => void;
  log: (event: string, fields: Record<string, unknown>) => void;
}

/** Changes that D1 does not have. */
type Page = Omit<Changes, "rows"> & { rows: readonly Changed[]; acts: readonly StoredAct[] };

/**
 * Writes `changes(projectedRev)` to D1: a moment after a commit, or at once when a caller waits for it,
 * and one write at a time, so that what is committed meanwhile is written together by the next. The latest
 * changes are in memory; after a wake or a failure they are read from the tables. While D1 fails, only the
 * alarm retries. `projectedRev` is stored with the next commit, not in a separate write: after a crash
 * some changes are written again, which does no harm.
 */
export class Projector implements Consumer {
  readonly name = "projection";
  readonly stage = "background";
  private readonly options: ProjectorOptions;
  private readonly timeouts = new CallTimeouts(TIMEOUT_MS);
  private readonly unprojected = new UnprojectedChanges();
  private readonly waiters = new Waiters();
  private running: Promise<void> | undefined;
  /** Starts the next write, `ms` after it was set. */
  private timer: { ms: number; handle: ReturnType<typeof setTimeout> } | undefined;
  /** When a write that several callers waited for last ended. */
  private sharedAt = Number.NEGATIVE_INFINITY;
  /** Writes that failed in a row. */
  private failures = 0;
  /** D1 is to have everything up to this revision without delay. */
  private urgentRev = 0;
  private former: ProjectorOptions["former"];
  /** When D1 was last asked whether it has more than is stored here. */
  private comparedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ProjectorOptions) {
    this.options = options;
    this.former = options.former;
  }

  get cursor(): number {
    return this.options.memory.counters.projectedRev;
  }

  deliver({ from, changes, hasActs }: PushedCommit): void {
    this.unprojected.expect(from);
    const { sql } = this.options;
    this.committed(
      changes,
      changes.some((change) => concernsFiles(sql, change)),
      hasActs,
    );
  }

  /**
   * Takes the changes of a commit, in its turn; `urgent`: the next read of D1 must see them, so they are
   * written at once, or right after what is being written.
   */
  committed(changes: readonly Change[], urgent = false, hasActs = false): void {
    const { rev } = this.options.memory.counters;
    if (urgent) this.urgentRev = rev;
    const changed = changes.map(changedOf);
    this.unprojected.add(hasActs ? [...changed, { type: "act" }] : changed, rev);
    // Every commit retrying a D1 that fails would only add to its load.
    if (this.failures > 0) return;
    if (urgent) this.run();
    else this.runWithin(DELAY_MS);
  }

  /**
   * Starts to write everything to D1 again, from the first revision on. The cursor is stored, so that
   * after a crash the alarm continues.
   */
  restart(): void {
    this.setCursor(0);
    this.unprojected.drop();
    updateCounters(this.options.sql, this.options.memory.counters);
    if (this.failures > 0) return;
    this.options.setAlarm(this.options.clock() + CHECK_AFTER_MS);
    this.runWithin(DELAY_MS);
  }

  /** Writes what D1 does not have. Never rejects: a failure sets the next deadline. */
  catchUp(): Promise<void> {
    return this.run();
  }

  /**
   * Resolves to true once D1 has everything up to `rev`, or to false after `timeoutMs`, and at once
   * while D1 fails. The write starts at once for a lone caller; where several wait at a time, at the end of
   * the commit window (`setTimeout(0)`), so that all who are committed in it share one write.
   */
  reached(rev: number, timeoutMs: number): Promise<boolean> {
    if (this.cursor >= rev) return Promise.resolve(true);
    if (this.failures > 0) return Promise.resolve(false);
    const isBusy = this.options.clock() - this.sharedAt < BUSY_MS;
    if (isBusy) this.runWithin(0);
    else this.run();
    return this.waiters.wait(rev, timeoutMs);
  }

  /**
   * Something shows revisions of this epoch that are not stored here: asks D1 whether there were any, once a
   * minute at most, because clients can claim that.
   */
  compare(): void {
    void this.compared().catch((error) => this.options.log("comparison_failed", { error }));
  }

  /** The same by the first write since the object woke. */
  private async comparedFirst(): Promise<void> {
    if (this.comparedAt === Number.NEGATIVE_INFINITY) await this.compared();
  }

  private async compared(): Promise<void> {
    const { clock, memory, directory, epoch, onAhead } = this.options;
    if (!onAhead || clock() - this.comparedAt < COMPARE_EVERY_MS) return;
    const { id } = memory.conversation;
    const found = await this.timeouts.limit(projectedVersion(directory, id));
    this.comparedAt = clock();
    const isAhead =
      found && (found.epoch > epoch || (found.epoch === epoch && found.rev > memory.counters.rev));
    if (isAhead) onAhead(found);
  }

  private setCursor(projectedRev: number): void {
    const { memory } = this.options;
    memory.counters = { ...memory.counters, projectedRev };
  }

  private isBehind(): boolean {
    return this.cursor < this.options.memory.counters.rev;
  }

  /** Whether a caller waits for something that D1 does not have. */
  private isAwaited(): boolean {
    return this.waiters.size > 0 || this.cursor < this.urgentRev;
  }

  private run(): Promise<void> {
    clearTimeout(this.timer?.handle);
    this.timer = undefined;
    this.running ??= this.writePages().finally(() => {
      this.running = undefined;
      if (this.failures === 0 && this.isBehind()) this.runWithin(DELAY_MS);
    });
    return this.running;
  }

  /** Starts a write after `ms` at most; one that is running is followed by another where it has to be. */
  private runWithin(ms: number): void {
    if (this.running || (this.timer && this.timer.ms <= ms)) return;
    clearTimeout(this.timer?.handle);
    this.timer = { ms, handle: setTimeout(() => void this.run(), ms) };
  }

  private async writePages(): Promise<void> {
    const { memory, log, sql } = this.options;
    let more = true;
    let several = false;
    let hasRecovered = false;
    while (this.isBehind() && (more || this.isAwaited())) {
      const { rev } = memory.counters;
      try {
        if (this.former) {
          // Everybody who has read D1 meanwhile has read some of both epochs.
          hasRecovered = await this.timeouts.limit(this.former.sweepPage());
          if (hasRecovered) this.former = undefined;
          continue;
        }
        const page = this.nextPage();
        more = page.more;
        await Promise.all([this.write(page), this.comparedFirst()]);
        if (this.failures > 0) {
          hasRecovered = true;
          log("projection_recovered", { failures: this.failures });
        }
        this.failures = 0;
        // Unless a restart was requested since this page was read.
        if (this.cursor !== page.from) {
          more = true;
          continue;
        }
        this.setCursor(page.to);
        if (!this.isBehind()) this.options.onWritten?.();
        // Many pages are not written again because of a crash; for one, storing it costs more than that.
        several ||= more;
        if (several) updateCounters(sql, memory.counters);
        if (this.waiters.settle(this.cursor) > 1) this.sharedAt = this.options.clock();
      } catch (error) {
        this.failed(error, rev);
        return;
      }
    }
    if (hasRecovered) this.options.onRecovered();
  }

  private async write({ rows, acts, to }: Page): Promise<void> {
    const { sql, memory, epoch, directory, onEntered } = this.options;
    const snapshot = snapshotOf(sql, memory, epoch, rows, acts, to);
    await this.timeouts.limit(project(directory, snapshot));
    const entered = enteredIn(rows, snapshot.members);
    if (entered.length > 0) await this.timeouts.limit(onEntered(entered));
  }

  private failed(error: unknown, rev: number): void {
    const { clock, random, log, setAlarm } = this.options;
    this.failures++;
    this.unprojected.drop();
    this.waiters.giveUp(this.cursor);
    const wait = backoffMs(this.failures);
    setAlarm(clock() + wait / 2 + (wait / 2) * random());
    log("projection_failed", { failures: this.failures, rev, error });
  }

  /** The next changes for D1: from memory, or from the tables where memory does not have them all. */
  private nextPage(): Page {
    const { memory, sql } = this.options;
    const { conversation, counters } = memory;
    const rows = this.unprojected.take(counters.rev);
    if (rows) {
      const page = { from: this.cursor, to: counters.rev, rows, more: false };
      return rows.some(({ type }) => type === "act") ? this.withActs(page) : { ...page, acts: [] };
    }
    const changes = changesSince(sql, conversation, counters, this.cursor);
    const page = this.withActs(this.withBlocks(changes));
    if (!page.more) this.unprojected.startAt(counters.rev);
    return page;
  }

  /** With the blocks that changed in the revisions of a page. */
  private withBlocks(changes: Changes): Omit<Page, "acts"> {
    const { sql, memory } = this.options;
    if (memory.blocks.areNone) return changes;
    const changed = blocksChangedWithin(sql, changes.from, changes.to);
    const ofBlocks = changed.map((block) => ({ type: "block", block }) as const);
    return { ...changes, rows: [...changes.rows, ...ofBlocks] };
  }

  /** With the acts of the revisions of a page, which is shorter where they are many. */
  private withActs(page: Omit<Page, "acts">): Page {
    const { acts, to } = actsBetween(this.options.sql, page.from, page.to);
    const isCut = to < page.to;
    // What was taken from memory is not in memory any more.
    if (isCut) this.unprojected.drop();
    return { ...page, acts, to, more: page.more || isCut };
  }
}

/** The present ones of the members who changed: whoever has entered is among them. */
function enteredIn(rows: readonly Changed[], members: readonly Member[]): string[] {
  const changed = new Set(rows.flatMap((row) => (row.type === "member" ? row.member.userId : [])));
  return members.flatMap(({ userId, leftAt }) =>
    leftAt === null && changed.has(userId) ? userId : [],
  );
}
