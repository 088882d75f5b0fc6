import type { Commit } from "../commit/committer.ts";
import type { Broadcast } from "./broadcast.ts";

/**
 * The contract of everything that follows a conversation's committed changes: native sockets, gateways,
 * the D1 projection. To add one, write a folder beside them and add it to the list in `open.ts`.
 *
 * A consumer has a **cursor**, the revision up to which it has everything. A commit is pushed to it with
 * its revision range, from (exclusive) and to (inclusive). Where `from` is not the cursor, an earlier
 * push failed, and the consumer reads the changes since its cursor instead (`tables/changes.ts`). So a
 * failed delivery loses nothing: the cursor does not move.
 */
export interface Consumer {
  /** Unique in a conversation; names its deadline and its failures in the log. */
  readonly name: string;
  /**
   * `live`: it reaches people who wait, and gets a commit before its callers are answered. `background`:
   * it gets it after that. Within a stage the order is that of registration.
   */
  readonly stage: "live" | "background";
  readonly cursor: number;
  /**
   * Takes a commit that changed something, in the turn in which it was made. Starts whatever takes time
   * and does not wait for it: no commit waits for a consumer. An exception is logged as `consumer_failed`
   * and affects no other consumer.
   */
  deliver(commit: PushedCommit): void;
  /**
   * Retries what failed and reads what was missed since the cursor; does nothing where nothing is missing.
   * Called at most one second after a commit, at the consumer's own deadlines, and after a crash, by
   * `Alarms`. Where it rejects, it is called again with its own backoff; where it resolves with
   * the cursor still behind, after a second, unless it has set a deadline itself.
   */
  catchUp(): Promise<void>;
}

/** A commit as consumers get it. */
export interface PushedCommit extends Commit {
  /**
   * The events of the commit, for consumers that pass them on. Prepared on the first call, once for
   * all consumers.
   */
  broadcast(): Broadcast;
}
