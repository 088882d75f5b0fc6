import { backoffMs } from "../../conversation/outbound/backoff.ts";
import { keyOf, type PresenceSource } from "../../domain/presence-sources.ts";
import { deleteEviction, insertEviction, readEvictions } from "./tables.ts";

/** Objects that are called at the same time. */
const CONCURRENT = 50;

export interface EvictionsOptions {
  sql: SqlStorage;
  clock: () => number;
  /** Ends the user's connections in an object; may be called twice. */
  evict: (source: PresenceSource) => Promise<void>;
  onFailure: (source: PresenceSource, error: unknown) => void;
}

interface Eviction {
  readonly source: PresenceSource;
  failures: number;
  retryAt: number;
}

/** Ends a user's connections in other objects, each until it has answered. Stored, so that a crash loses none. */
export class Evictions {
  private readonly options: EvictionsOptions;
  private readonly pending = new Map<string, Eviction>();
  private readonly calling = new Set<string>();

  /** `isStored`: the table exists. */
  constructor(options: EvictionsOptions, isStored: boolean) {
    this.options = options;
    if (isStored) for (const source of readEvictions(options.sql)) this.put(source);
  }

  get size(): number {
    return this.pending.size;
  }

  /** When the next of those is due that have failed; `undefined`: none has. */
  get retryAt(): number | undefined {
    const times = [...this.pending.values()].flatMap(({ failures, retryAt }) =>
      failures > 0 ? [retryAt] : [],
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Adds an object, also one that is being called: another connection may have been opened there meanwhile. */
  add(source: PresenceSource): void {
    insertEviction(this.options.sql, source);
    this.put(source);
  }

  /** The user may connect again. */
  clear(): void {
    for (const { source } of this.pending.values()) deleteEviction(this.options.sql, source);
    this.pending.clear();
  }

  /** Calls what is due; resolves once all of that has answered or failed. */
  async run(): Promise<void> {
    const started: Promise<void>[] = [];
    for (let due = this.nextDue(); due; due = this.nextDue()) started.push(this.call(due));
    await Promise.all(started);
  }

  private nextDue(): Eviction | undefined {
    if (this.calling.size >= CONCURRENT) return undefined;
    const now = this.options.clock();
    for (const [key, eviction] of this.pending) {
      if (eviction.retryAt <= now && !this.calling.has(key)) return eviction;
    }
    return undefined;
  }

  private async call(eviction: Eviction): Promise<void> {
    const { sql, clock, evict, onFailure } = this.options;
    const { source } = eviction;
    const key = keyOf(source);
    this.calling.add(key);
    try {
      await evict(source);
      if (this.pending.get(key) === eviction) {
        this.pending.delete(key);
        deleteEviction(sql, source);
      }
    } catch (error) {
      onFailure(source, error);
      eviction.failures++;
      eviction.retryAt = clock() + backoffMs(eviction.failures);
    }
    this.calling.delete(key);
    await this.run();
  }

  private put(source: PresenceSource): void {
    this.pending.set(keyOf(source), { source, failures: 0, retryAt: 0 });
  }
}
