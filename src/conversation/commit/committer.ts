import { fail, ok, type Result } from "../../domain/error.ts";
import { withPurged } from "../../domain/read-ranges.ts";
import type { FrameId } from "../../live/frames.ts";
import { audited } from "../decide/audited.ts";
import { decide } from "../decide/decide.ts";
import type { Answer, Change, CommandRequest, Decision, State } from "../decide/types.ts";
import type { Session } from "../outbound/sockets/session.ts";
import { coveredReads } from "./coalesce.ts";
import { Draft, type Memory } from "./draft.ts";
import type { RateWindows } from "./rate-windows.ts";
import { writeDecision } from "./write-decision.ts";

/** Commands of one transaction at most; the rest wait for the next. */
export const MAX_GROUP = 128;

/** Members kept in memory at most; beyond that the cache is cleared. */
const MAX_REMEMBERED = 1_000;

/** After a send was repeated, the keys of groups are looked up for so long: others may follow. */
const REPEATS_MS = 60_000;

/**
 * How a group is committed. `assuming`: the keys of its sends are taken to be new. `looking up`: they
 * are not. `careful`: one savepoint per command.
 */
type Attempt = "assuming" | "looking up" | "careful";

/** A command, and where its result is sent. */
export interface PendingCommand extends CommandRequest {
  reply:
    | { to: "socket"; session: Session; id: FrameId }
    | { to: "caller"; resolve: (result: Result<Answer>) => void };
}

/** The result of one group commit. */
export interface Commit {
  /** The revisions that it took: after `from`, up to `to`. The same where nothing changed. */
  from: number;
  to: number;
  changes: Change[];
  /** Whether some of it is for the audit log. */
  hasActs?: boolean;
  outcomes: { pending: PendingCommand; result: Result<Answer> }[];
}

export interface CommitterOptions {
  storage: Pick<DurableObjectStorage, "sql" | "transactionSync">;
  memory: Memory;
  limits: State["limits"];
  windows: RateWindows;
  clock: () => number;
  /** Called for every group once it is stored, in the same turn: broadcasts and answers. */
  onCommit: (commit: Commit) => void;
  /** The transaction threw: nothing of the group is stored, and memory must be discarded. */
  onBroken: (error: unknown) => void;
  /** A command threw: a bug, or a storage error. Only this command is rolled back. */
  onFault: (error: unknown) => void;
}

/**
 * Commits commands in groups. An idle committer commits a command at once and opens a window of
 * `setTimeout(0)`; commands that arrive in the window are committed together when it ends, in one
 * storage transaction. Nothing between dequeuing and `onCommit` is asynchronous.
 */
export class Committer {
  readonly memory: Memory;
  private readonly options: CommitterOptions;
  private queue: PendingCommand[] = [];
  private windowOpen = false;
  /** Until then, keys are looked up. */
  private repeatsUntil = 0;

  constructor(options: CommitterOptions) {
    this.options = options;
    this.memory = options.memory;
  }

  /** Enqueues commands; those of one call are committed together, up to the size of a group. */
  submit(...pending: PendingCommand[]): void {
    this.queue.push(...pending);
    if (!this.windowOpen) this.next();
  }

  /** Commits the queue in this turn, for a read that must see the commands before it. */
  flush(): void {
    while (this.queue.length > 0) this.commit(this.queue.splice(0, MAX_GROUP));
  }

  /** The committed state, read-only. */
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
    try {
      this.commit(group);
    } finally {
      setTimeout(() => this.next(), 0);
    }
  }

  /**
   * Commits a group. The first attempts write the rows of plain sends together at the end. If
   * anything throws, which a send under a used key does, the transaction is rolled back and the group
   * is retried: the last time with a savepoint per command, so that only the failing command is undone.
   */
  private commit(group: PendingCommand[], attempt?: Attempt): void {
    const { storage, windows, clock: clockOf, onCommit, onBroken } = this.options;
    const clock = clockOf();
    const how = attempt ?? (clock < this.repeatsUntil ? "looking up" : "assuming");
    // `createdAt` never runs backwards, whatever the clock does.
    const now = Math.max(clock, this.memory.counters.lastCreatedAt);
    const draft = this.draft(clock);
    const from = this.memory.counters.rev;
    let outcomes: Commit["outcomes"];
    try {
      outcomes = storage.transactionSync(() => {
        draft.lookUp(group, how === "assuming");
        const results = this.carriedOut(group, (pending) =>
          how === "careful"
            ? this.runWithSavepoint(draft, pending, now)
            : this.run(draft, pending, now),
        );
        if (draft.counters.rev > from || draft.figuresMoved) draft.flush();
        return results;
      });
    } catch (error) {
      if (how === "careful") onBroken(error);
      else this.commit(group, draft.hasAssumedKeys ? "looking up" : "careful");
      return;
    }
    if (attempt === "looking up") this.repeatsUntil = clock + REPEATS_MS;
    const { purgedTo } = draft.conversation;
    if (purgedTo !== this.memory.conversation.purgedTo) {
      const { members } = this.memory;
      for (const [userId, member] of members) members.set(userId, withPurged(member, purgedTo));
    }
    this.memory.conversation = draft.conversation;
    this.memory.counters = draft.counters;
    this.memory.pendingFigures = draft.pendingFigures;
    if (draft.held !== undefined) this.memory.holds.set(draft.held);
    this.rememberMembers(draft);
    this.memory.blocks.changed(
      draft.changes.flatMap((change) => (change.type === "block" ? change.block : [])),
    );
    windows.sends.add(draft.sends, clock);
    windows.changes.add(draft.spending.changes, clock);
    windows.reads.add(draft.spending.reads, clock);
    for (const [userId, times] of draft.spending.changes) {
      windows.everywhere?.count(userId, times.length);
    }
    const { changes, hasActs } = draft;
    onCommit({ from, to: draft.counters.rev, changes, outcomes, ...(hasActs && { hasActs }) });
  }

  /** Runs the commands of a group in order, except read marks that a later one covers. */
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
      // The later mark covers this one.
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
    let decided = decide(draft, pending, now);
    // A repeat is answered as the first one was, and a refused one has no row that shows that it is one.
    if (!decided.ok && draft.isMistaken(pending)) decided = decide(draft, pending, now);
    if (!decided.ok) return decided;
    const decision = audited(draft, pending, decided.value);
    if (writes(decision)) draft.put(decision);
    draft.fold(decision, pending.actor.userId);
    return { ok: true, value: decision.answer };
  }

  /**
   * Runs a command in its own savepoint: its rows are written at once, and rolled back if it
   * throws.
   */
  private runWithSavepoint(draft: Draft, pending: PendingCommand, now: number): Result<Answer> {
    try {
      const decided = decide(draft, pending, now);
      if (!decided.ok) return decided;
      const decision = audited(draft, pending, decided.value);
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
