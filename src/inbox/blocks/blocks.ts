import { MAX_BLOCKS } from "../../domain/block.ts";
import { LeakyBucket, type Rate } from "../../domain/budget.ts";
import { fail, ok, type Result } from "../../domain/error.ts";
import { Spreading, type SpreadingOptions } from "./spreading.ts";
import {
  createBlockTables,
  deleteBlock,
  FROM_THE_START,
  hasBlockTables,
  nextBlockVersion,
  putBlock,
  readBlocks,
  type StoredBlock,
} from "./tables.ts";

/** Changes of one user's blocks: each calls every conversation that two people share. */
const CHANGES: Rate = { burst: 100, perSecond: 0.5 };
/** Blocks and lifted ones that are not everywhere yet; beyond, D1 has been away for long. */
const MAX_ROWS = 2 * MAX_BLOCKS;
/** How long the answer to a change waits until it is everywhere. */
const ANSWER_AFTER_MS = 3_000;
/** When a change is continued at the latest: the object may end before it is done. */
const CONTINUE_AFTER_MS = 10_000;

export interface BlocksOptions
  extends Pick<SpreadingOptions, "write" | "shared" | "apply" | "onFailure"> {
  sql: SqlStorage;
  /** Runs a function in one transaction. */
  transaction: (write: () => void) => void;
  userId: string;
  clock: () => number;
  /** Has {@link Blocks.check} called at a time, or sooner; resolves once that is stored. */
  checkAt: (time: number) => Promise<void>;
  /** The user blocks another from now on, or no longer. */
  onChange: (blockedId: string) => void;
}

/**
 * Whom a user blocks. The user's inbox is the only one that changes it: stored here first, then in D1, then in
 * every conversation that the two share.
 */
export class Blocks {
  private readonly options: BlocksOptions;
  private readonly spreading: Spreading;
  private readonly changes = new LeakyBucket(CHANGES);
  /** `undefined`: not read yet. */
  private known: Map<string, StoredBlock> | undefined;

  constructor(options: BlocksOptions) {
    this.options = options;
    this.spreading = new Spreading({
      ...options,
      unfinished: () => [...this.all().values()].filter(({ progress }) => progress !== undefined),
      isNewest: (block) => this.all().get(block.blockedId) === block,
      put: (block) => this.put(block),
      checkAt: (time) => void options.checkAt(time),
    });
  }

  /** Whether the user blocks another. */
  has(userId: string): boolean {
    return this.all().get(userId)?.blocked === true;
  }

  /** Whom the user blocks, those first whom they blocked last. */
  list(): { blockedId: string; at: number }[] {
    return [...this.all().values()]
      .filter(({ blocked }) => blocked)
      .sort((a, b) => b.version - a.version)
      .map(({ blockedId, at }) => ({ blockedId, at }));
  }

  /**
   * Blocks another, or lifts the block. Resolves once that is everywhere (`true`), or when it was not possible
   * or took {@link ANSWER_AFTER_MS} (`false`): it goes on then.
   */
  async set(blockedId: string, blocked: boolean): Promise<Result<boolean>> {
    const { clock, checkAt } = this.options;
    if (this.has(blockedId) !== blocked) {
      // Before anything is stored: an object that ends at any time from then on continues.
      await checkAt(clock() + CONTINUE_AFTER_MS);
      const changed = this.change(blockedId, blocked);
      if (!changed.ok) return changed;
      this.options.onChange(blockedId);
    }
    await this.spreading.until(() => this.isEverywhere(blockedId), ANSWER_AFTER_MS);
    return ok(this.isEverywhere(blockedId));
  }

  /** Continues what is not everywhere yet. */
  check(): void {
    if (!hasBlockTables(this.options.sql)) return;
    this.spreading.run();
  }

  /** Forgets a block, held or lifted, without telling anybody: nothing is left of whom it concerned. */
  forget(blockedId: string): void {
    if (!this.all().delete(blockedId)) return;
    deleteBlock(this.options.sql, blockedId);
  }

  private change(blockedId: string, blocked: boolean): Result<null> {
    // Another call may have done it meanwhile.
    if (this.has(blockedId) === blocked) return ok(null);
    const { sql, clock } = this.options;
    const now = clock();
    const all = this.all();
    const count = [...all.values()].filter((block) => block.blocked).length;
    if (blocked && count >= MAX_BLOCKS) return fail("too_many_blocks");
    if (!all.has(blockedId) && all.size >= MAX_ROWS) return fail("unavailable");
    if (!this.changes.take(1, now)) {
      return fail("rate_limited", {
        retryAfterMs: this.changes.waitMs(1, now),
        limit: "block_changes",
      });
    }
    if (!hasBlockTables(sql)) createBlockTables(sql);
    this.options.transaction(() => {
      const version = nextBlockVersion(sql, now);
      this.put({ blockedId, blocked, version, at: now, progress: FROM_THE_START });
    });
    return ok(null);
  }

  private put(block: StoredBlock): void {
    const { sql } = this.options;
    if (block.blocked || block.progress !== undefined) {
      putBlock(sql, block);
      this.all().set(block.blockedId, block);
    } else {
      deleteBlock(sql, block.blockedId);
      this.all().delete(block.blockedId);
    }
  }

  private isEverywhere(blockedId: string): boolean {
    return this.all().get(blockedId)?.progress === undefined;
  }

  private all(): Map<string, StoredBlock> {
    const { sql } = this.options;
    this.known ??= new Map(
      hasBlockTables(sql) ? readBlocks(sql).map((block) => [block.blockedId, block]) : [],
    );
    return this.known;
  }
}
