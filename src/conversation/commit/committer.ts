import { fail, ok, type Result } from "../../domain/error.ts";
import type { FrameId } from "../../live/frames.ts";
import { decide } from "../decide/decide.ts";
import type { Answer, Change, CommandRequest, Decision, State } from "../decide/types.ts";
import type { Session } from "../outbound/sockets/sessions.ts";
import { coveredReads } from "./coalesce.ts";
import { Draft, type Memory } from "./draft.ts";
import type { RateWindows } from "./rate-windows.ts";
import { writeDecision } from "./write-decision.ts";

/** Commands that one transaction takes at most; the rest waits for the next. */
export const MAX_GROUP = 128;

/** Members kept in memory at most; beyond that it starts anew. */
const MAX_REMEMBERED = 1_000;

/** A command and whoever waits for what becomes of it. */
export interface PendingCommand extends CommandRequest {
  reply:
    | { to: "socket"; session: Session; id: FrameId }
    | { to: "caller"; resolve: (result: Result<Answer>) => void };
}

/** What has been committed together. */
export interface Commit {
  changes: Change[];
  outcomes: { pending: PendingCommand; result: Result<Answer> }[];
}

export interface CommitterOptions {
  storage: Pick<DurableObjectStorage, "sql" | "transactionSync">;
  memory: Memory;
  limits: State["limits"];
  windows: RateWindows;
  clock: () => number;
  /** Told of every group once it is in storage, in the same turn: the place to broadcast and answer. */
  onCommit: (commit: Commit) => void;
  /** The transaction threw: nothing of the group happened, and memory is to be thrown away. */
  onBroken: (error: unknown) => void;
  /** A command threw: a bug, or storage refusing its rows. It alone is undone. */
  onFault: (error: unknown) => void;
}

/**
 * Commits commands in groups. An idle committer commits a command at once and opens a window of
 * `setTimeout(0)`; what arrives while it is open is committed together at its end, in one storage
 * transaction. Between leaving the queue and `onCommit` nothing is asynchronous.
 */
export class Committer {
  readonly memory: Memory;
  private readonly options: CommitterOptions;
  private queue: PendingCommand[] = [];
  private windowOpen = false;

  constructor(options: CommitterOptions) {
    this.options = options;
    this.memory = options.memory;
  }

  /** Takes commands in; several of them are committed together, as far as a group holds them. */
  submit(...pending: PendingCommand[]): void {
    this.queue.push(...pending);
    if (!this.windowOpen) this.next();
  }

  /** Commits what waits, in this turn: for a question that is to know of the commands before it. */
  flush(): void {
    while (this.queue.length > 0) this.commit(this.queue.splice(0, MAX_GROUP));
  }

  /** The committed state at this moment, to look at. */
  state(): State {
    return this.draft(this.options.clock());
  }

  private draft(clock: number): Draft {
    const { storage, limits, windows } = this.options;
    return new Draft(storage.sql, this.memory, windows, limits, clock);
  }

  private next(): void {
    const group = this.queue.splice(0, MAX_GROUP);
    this.windowOpen = group.length > 0;
    if (!this.windowOpen) return;
    setTimeout(() => this.next(), 0);
    this.commit(group);
  }

  /**
   * Commits a group. At first in haste: the rows of plain sends are written together at the end. If
   * anything throws, nothing has happened, and the group is gone through again with care, one command
   * at a time, so that only what failed is undone.
   */
  private commit(group: PendingCommand[], careful = false): void {
    const { storage, windows, clock: clockOf, onCommit, onBroken } = this.options;
    const clock = clockOf();
    // `createdAt` never runs backwards, whatever the clock does.
    const now = Math.max(clock, this.memory.counters.lastCreatedAt);
    const draft = this.draft(clock);
    let outcomes: Commit["outcomes"];
    try {
      outcomes = storage.transactionSync(() => {
        draft.lookUp(group);
        const results = this.carriedOut(group, (pending) =>
          careful ? this.runWithSavepoint(draft, pending, now) : this.run(draft, pending, now),
        );
        if (draft.changes.length > 0 || draft.figuresMoved) draft.flush();
        return results;
      });
    } catch (error) {
      if (careful) onBroken(error);
      else this.commit(group, true);
      return;
    }
    this.memory.conversation = draft.conversation;
    this.memory.counters = draft.counters;
    this.rememberMembers(draft);
    windows.sends.add(draft.sends, clock);
    windows.changes.add(draft.spending.changes, clock);
    windows.reads.add(draft.spending.reads, clock);
    for (const [userId, times] of draft.spending.changes) {
      windows.everywhere?.count(userId, times.length);
    }
    onCommit({ changes: draft.changes, outcomes });
  }

  /** Carries out the commands of a group in order, but for read marks that a later one covers. */
  private carriedOut(
    group: readonly PendingCommand[],
    run: (pending: PendingCommand) => Result<Answer>,
  ): Commit["outcomes"] {
    const { conversation, counters } = this.memory;
    const { lastNumber } = counters;
    const covered = coveredReads(group, { id: conversation.id, lastNumber });
    const results = group.map((pending, index) => (covered.has(index) ? undefined : run(pending)));
    return group.map((pending, index) => {
      const result = results[index];
      if (result) return { pending, result };
      const later = results[covered.get(index) ?? index] ?? fail("internal");
      // The later one has marked what this one would have.
      return { pending, result: later.ok ? ok({ ...later.value, modifiedCount: 0 }) : later };
    });
  }

  private rememberMembers(draft: Draft): void {
    const { members } = this.memory;
    if (members.size > MAX_REMEMBERED) members.clear();
    for (const [userId, member] of draft.members) {
      if (member) members.set(userId, member);
      else members.delete(userId);
    }
  }

  private run(draft: Draft, pending: PendingCommand, now: number): Result<Answer> {
    const decided = decide(draft, pending, now);
    if (!decided.ok) return decided;
    const decision = decided.value;
    if (writes(decision)) draft.put(decision);
    draft.fold(decision, pending.actor.userId);
    return { ok: true, value: decision.answer };
  }

  /** The same with its rows written at once, and undone by itself if it throws. */
  private runWithSavepoint(draft: Draft, pending: PendingCommand, now: number): Result<Answer> {
    try {
      const decided = decide(draft, pending, now);
      if (!decided.ok) return decided;
      const decision = decided.value;
      const { storage } = this.options;
      if (writes(decision)) storage.transactionSync(() => writeDecision(storage.sql, decision));
      draft.fold(decision, pending.actor.userId);
      return { ok: true, value: decision.answer };
    } catch (error) {
      this.options.onFault(error);
      return fail("internal");
    }
  }
}

function writes({ changes, effects }: Decision): boolean {
  return changes.length > 0 || (effects !== undefined && effects.length > 0);
}
