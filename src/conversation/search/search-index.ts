import type { Message } from "../../domain/message.ts";
import { isCountable } from "../../domain/message.ts";
import { tokensOf } from "../../domain/search-tokens.ts";
import type { Memory } from "../commit/draft.ts";
import { changedAfter, countChangedAfter, createdFrom } from "../tables/messages.ts";
import { SEARCH_BOUNDS, type SearchBounds } from "./bounds.ts";
import {
  type Coverage,
  coverageOf,
  createIndex,
  createShard,
  dropIndex,
  hasIndex,
  putCoverage,
  putShard,
  putTokens,
  shardOf,
} from "./index-tables.ts";
import { nextTurn } from "./turn.ts";

export interface SearchIndexOptions {
  storage: DurableObjectStorage;
  memory: Memory;
  onFailure: (error: unknown) => void;
}

/**
 * The full-text index of a conversation. Nothing pushes it: it follows the conversation by revision, as any
 * consumer does, but only when somebody searches. It finds candidates, never results, so that whatever it lacks or
 * has too much makes a search slow, and never wrong. While it fails, there is none.
 */
export class SearchIndex {
  readonly bounds: SearchBounds;
  private readonly options: SearchIndexOptions;
  /** `undefined`: not looked at yet. */
  private exists: boolean | undefined;
  /** What it has, once it was read: nothing else writes it. */
  private known: Coverage | undefined;
  /** Whether too many messages had changed after `rev`, when the conversation was at `at`. */
  private lagged: { rev: number; at: number; lags: boolean } | undefined;
  private hasFailed = false;
  private isBuilding = false;

  constructor(options: SearchIndexOptions, bounds: SearchBounds = SEARCH_BOUNDS) {
    this.options = options;
    this.bounds = bounds;
  }

  /** What it has now; `undefined`: there is none. */
  get coverage(): Coverage | undefined {
    if (this.hasFailed || !this.isNeeded) return undefined;
    this.exists ??= hasIndex(this.sql);
    if (this.exists) this.known ??= coverageOf(this.sql);
    return this.known;
  }

  /** There is none from now on, until the object wakes again. */
  failed(error: unknown): void {
    this.hasFailed = true;
    this.options.onFailure(error);
  }

  /**
   * Takes over changed messages, in slices, until it lacks few of them, or there is no index, or `isOver` says so of
   * the rows that were read. `isCurrent`: it lacks few.
   */
  async followChanges(
    isOver: (rows: number) => boolean = () => false,
  ): Promise<{ rows: number; isCurrent: boolean }> {
    let rows = 0;
    for (let { coverage } = this; coverage && this.lags(coverage); { coverage } = this) {
      if (isOver(rows)) return { rows, isCurrent: false };
      this.inTransaction(coverage, (coverage) => this.takeChanged(coverage));
      rows += this.bounds.indexSlice;
      await nextTurn();
    }
    return { rows, isCurrent: true };
  }

  /**
   * Has it built, or brought up to date, in slices behind each other, where it lacks more than searches should
   * read themselves. Goes on without being waited for.
   */
  build(): void {
    if (this.isBuilding || !this.isWorthBuilding()) return;
    this.isBuilding = true;
    void this.grow()
      .catch((error) => this.failed(error))
      .finally(() => {
        this.isBuilding = false;
      });
  }

  private get isNeeded(): boolean {
    return this.options.memory.counters.lastNumber > this.bounds.scanned;
  }

  private isWorthBuilding(): boolean {
    if (this.hasFailed || !this.isNeeded || this.isFull()) return false;
    const { lastNumber } = this.options.memory.counters;
    const { coverage } = this;
    if (coverage && this.lags(coverage)) return true;
    return lastNumber - (coverage?.covered ?? 0) > this.bounds.newLag;
  }

  /** Whether more messages have changed than searches should read themselves. */
  private lags({ rev }: Coverage): boolean {
    const at = this.options.memory.counters.rev;
    if (this.lagged?.rev !== rev || this.lagged.at !== at) {
      const { changedLag } = this.bounds;
      const lags = countChangedAfter(this.sql, rev, changedLag + 1) > changedLag;
      this.lagged = { rev, at, lags };
    }
    return this.lagged.lags;
  }

  private isFull(): boolean {
    return this.sql.databaseSize > this.bounds.maxStorage;
  }

  private async grow(): Promise<void> {
    const { memory, storage } = this.options;
    await nextTurn();
    if (!this.coverage) {
      const { rev } = memory.counters;
      storage.transactionSync(() => {
        if (this.exists) dropIndex(this.sql);
        createIndex(this.sql, rev);
      });
      this.exists = true;
      this.known = { covered: 0, rev };
    }
    for (let { coverage } = this; coverage && !this.isFull(); { coverage } = this) {
      if (coverage.covered >= memory.counters.lastNumber) break;
      this.inTransaction(coverage, (coverage) => this.takeNew(coverage));
      await nextTurn();
    }
    await this.followChanges();
  }

  private inTransaction(coverage: Coverage, take: (coverage: Coverage) => Coverage): void {
    try {
      this.options.storage.transactionSync(() => {
        const taken = take(coverage);
        putCoverage(this.sql, taken);
        this.known = taken;
      });
    } catch (error) {
      this.failed(error);
    }
  }

  /** Adds the messages that follow. */
  private takeNew({ covered, rev }: Coverage): Coverage {
    const { sql } = this;
    const { indexSlice, indexUnits, shardMessages, shardUnits } = this.bounds;
    const { messages } = createdFrom(sql, covered + 1, indexSlice, indexUnits);
    let shard = shardOf(sql, covered + 1);
    for (const { message } of messages) {
      const { number } = message;
      if (!shard || shard.units >= shardUnits || number - shard.first >= shardMessages) {
        if (shard) putShard(sql, shard);
        shard = createShard(sql, number);
      }
      const tokens = tokenText(message);
      shard.units += tokens.length;
      if (tokens !== "") putTokens(sql, shard, number, tokens);
    }
    if (shard) putShard(sql, shard);
    // Some numbers are missing where messages are gone.
    const { lastNumber } = this.options.memory.counters;
    return { covered: messages.at(-1)?.message.number ?? lastNumber, rev };
  }

  /** Replaces messages that have changed, in order of revision. */
  private takeChanged({ covered, rev }: Coverage): Coverage {
    const { sql, bounds } = this;
    const { messages, more } = changedAfter(sql, rev, bounds.indexSlice, bounds.indexUnits);
    for (const { message } of messages) {
      const shard = message.number <= covered ? shardOf(sql, message.number) : undefined;
      if (shard) putTokens(sql, shard, message.number, tokenText(message));
    }
    const last = messages.at(-1)?.message.rev ?? rev;
    return { covered, rev: more ? last : this.options.memory.counters.rev };
  }

  private get sql(): SqlStorage {
    return this.options.storage.sql;
  }
}

/** Deleted messages and those of the system are never found. */
function tokenText(message: Message): string {
  return isCountable(message) ? tokensOf(message).join(" ") : "";
}
