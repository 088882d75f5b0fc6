import { backoffMs } from "../../conversation/outbound/backoff.ts";
import type { Block } from "../../domain/block.ts";
import { unreachable } from "../../domain/error.ts";
import type { Progress, StoredBlock } from "./tables.ts";

/** Conversations of a page, which are called before the next page is read. */
const PAGE = 100;
/** Conversations that are called at the same time. */
const CONCURRENT = 20;
/** When a step under way is checked: the object may end before it does. */
const CHECK_MS = 10_000;

export interface SpreadingOptions {
  userId: string;
  clock: () => number;
  /** Changes that are not everywhere yet, in their order. */
  unfinished: () => StoredBlock[];
  /** Whether it is the present state, rather than one that was replaced meanwhile. */
  isNewest: (change: StoredBlock) => boolean;
  /** Stores how far a change has got. */
  put: (change: StoredBlock) => void;
  /** Writes changes to D1. */
  write: (changes: readonly StoredBlock[]) => Promise<void>;
  /** A page of the conversations to call, in order, after one. */
  shared: (change: StoredBlock, page: { after: string; limit: number }) => Promise<string[]>;
  /** Calls a conversation; may be repeated. */
  apply: (conversationId: string, block: Block) => Promise<void>;
  /** Has {@link Spreading.run} called at a time, or sooner. */
  checkAt: (time: number) => void;
  onFailure: (error: unknown) => void;
}

/**
 * Brings a user's blocks everywhere: to D1, then to every conversation that D1 says the two people share. Whoever
 * enters one of them is looked up in D1 after D1 has them as a member, so that one of the two sees the other.
 * Every step is stored when it is done, and may be repeated.
 */
export class Spreading {
  private readonly options: SpreadingOptions;
  /** Two loops: a conversation that does not answer does not keep D1 waiting. */
  private writing: Promise<void> | undefined;
  private calling: Promise<void> | undefined;
  /** What has failed, until it is tried again. */
  private readonly waiting = new Set<StoredBlock>();
  private failures = 0;
  private retryAt = 0;
  private readonly observers = new Set<() => void>();

  constructor(options: SpreadingOptions) {
    this.options = options;
  }

  /** Continues what is due, and has itself called again while there is more. */
  run(): void {
    const { clock, checkAt, unfinished } = this.options;
    if (clock() >= this.retryAt) this.waiting.clear();
    this.proceed();
    if (unfinished().length === 0) return;
    checkAt(this.isBusy ? clock() + CHECK_MS : this.retryAt);
  }

  /** Resolves when `isDone`, when what could be done is done, or after some milliseconds. */
  async until(isDone: () => boolean, milliseconds: number): Promise<void> {
    this.proceed();
    if (isDone()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const observe = () => {
      if (isDone() || !this.isBusy) resolve();
    };
    this.observers.add(observe);
    const timer = setTimeout(resolve, milliseconds);
    await promise;
    clearTimeout(timer);
    this.observers.delete(observe);
  }

  private get isBusy(): boolean {
    return this.writing !== undefined || this.calling !== undefined;
  }

  private proceed(): void {
    this.writing ??= this.writeAll().finally(() => {
      this.writing = undefined;
      this.observe();
    });
    this.call();
  }

  private call(): void {
    this.calling ??= this.callAll().finally(() => {
      this.calling = undefined;
      this.observe();
    });
  }

  private observe(): void {
    for (const observe of [...this.observers]) observe();
  }

  /** Writes to D1 what it does not have, all that there is at a time together. */
  private async writeAll(): Promise<void> {
    for (;;) {
      const changes = this.due().filter(({ progress }) => progress?.stage === "directory");
      if (changes.length === 0) return;
      try {
        await this.options.write(changes);
        for (const change of changes) {
          this.advance(change, { stage: "conversations", after: "", unreached: [] });
        }
      } catch (error) {
        for (const change of changes) this.waiting.add(change);
        this.failed(error);
      }
      this.call();
    }
  }

  /** Calls conversations, a page at a time. */
  private async callAll(): Promise<void> {
    for (;;) {
      const change = this.due().find(({ progress }) => progress?.stage !== "directory");
      if (!change) return;
      try {
        await this.step(change);
      } catch (error) {
        this.waiting.add(change);
        this.failed(error);
      }
      this.observe();
    }
  }

  private async step(change: StoredBlock): Promise<void> {
    const { progress } = change;
    switch (progress?.stage) {
      case undefined:
      case "directory":
        return;
      case "conversations": {
        const ids = await this.options.shared(change, { after: progress.after, limit: PAGE });
        const unreached = [...progress.unreached, ...(await this.apply(change, ids))];
        const after = ids.at(-1);
        if (after !== undefined && ids.length === PAGE) {
          this.advance(change, { stage: "conversations", after, unreached });
        } else this.finish(change, unreached, unreached.length > 0);
        return;
      }
      case "unreached": {
        const [page, rest] = [progress.unreached.slice(0, PAGE), progress.unreached.slice(PAGE)];
        const again = await this.apply(change, page);
        this.finish(change, [...rest, ...again], again.length > 0);
        return;
      }
      default:
        unreachable(progress);
    }
  }

  /** All have been called: done, unless some could not be reached; `isFailure`: now. */
  private finish(change: StoredBlock, unreached: string[], isFailure: boolean): void {
    if (unreached.length === 0) {
      this.advance(change, undefined);
      if (this.options.unfinished().length === 0) this.failures = 0;
      return;
    }
    const stored = this.advance(change, { stage: "unreached", unreached });
    if (!stored || !isFailure) return;
    this.waiting.add(stored);
    this.retryLater();
  }

  /** Calls conversations, a few at a time; those that could not be reached. */
  private async apply(change: StoredBlock, conversationIds: readonly string[]): Promise<string[]> {
    const { userId, apply, isNewest, onFailure } = this.options;
    const { blockedId, blocked, version } = change;
    const block: Block = { userId, blockedId, blocked, version };
    const queue = [...conversationIds];
    const unreached: string[] = [];
    const next = async (): Promise<void> => {
      for (let id = queue.shift(); id !== undefined && isNewest(change); id = queue.shift()) {
        try {
          await apply(id, block);
        } catch (error) {
          onFailure(error);
          unreached.push(id);
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT }, next));
    return unreached;
  }

  /** Stores how far a change has got, unless it was replaced meanwhile: `undefined` then. */
  private advance(change: StoredBlock, progress: Progress | undefined): StoredBlock | undefined {
    if (!this.options.isNewest(change)) return undefined;
    const next = { ...change, progress };
    this.options.put(next);
    return next;
  }

  private due(): StoredBlock[] {
    return this.options.unfinished().filter((change) => !this.waiting.has(change));
  }

  private failed(error: unknown): void {
    this.options.onFailure(error);
    this.retryLater();
  }

  private retryLater(): void {
    this.failures++;
    this.retryAt = this.options.clock() + backoffMs(this.failures);
    this.options.checkAt(this.retryAt);
  }
}
