import { backoffMs } from "../../conversation/outbound/backoff.ts";
import type { InboxAnswer, Watcher } from "../../conversation/outbound/inboxes/inbox-api.ts";
import { MAX_WATCHERS, type ShownPresence } from "../../domain/presence.ts";
import { deleteWatcher, insertWatcher, readWatchers } from "./tables.ts";

/** Watchers that are called at the same time. */
const CONCURRENT = 50;
/** After so many failures in a row, some eight minutes, a watcher is removed. */
const MAX_FAILURES = 12;

export interface WatchersOptions {
  sql: SqlStorage;
  /** Calls a watcher; every call may be made twice. */
  tell: (watcher: Watcher, presence: ShownPresence) => Promise<InboxAnswer>;
  /** Tells a watcher that others took its place. */
  dropped: (watcher: Watcher) => Promise<void>;
  onFailure: (error: unknown) => void;
}

interface Entry {
  watcher: Watcher;
  place: number;
}

/** Those who are told of a user's presence, the newest {@link MAX_WATCHERS}. */
export class Watchers {
  private readonly options: WatchersOptions;
  /** In the order in which they began; `undefined`: not read yet. */
  private known: Map<string, Entry> | undefined;
  /** Those who have not been told the newest state; `undefined`: all, as far as is known. */
  private behind: Map<string, Entry> | undefined;
  private failures = 0;

  constructor(options: WatchersOptions) {
    this.options = options;
  }

  get size(): number {
    return this.all().size;
  }

  has(watcher: Watcher): boolean {
    return this.all().has(watcher.join(" "));
  }

  /** How long to wait before those who could not be reached are called again. */
  get retryInMs(): number {
    return backoffMs(Math.max(1, this.failures));
  }

  /** Adds one, who is told of changes from now on. */
  add(watcher: Watcher): void {
    const all = this.all();
    const key = watcher.join(" ");
    const known = all.get(key);
    if (known) {
      // Another entry: the answer `away` to a call under way is from before, and does not remove it.
      all.set(key, { ...known });
      return;
    }
    const place = ([...all.values()].at(-1)?.place ?? 0) + 1;
    insertWatcher(this.options.sql, watcher, place);
    all.set(key, { watcher, place });
    const [oldest] = all.values();
    if (all.size <= MAX_WATCHERS || !oldest) return;
    this.remove(oldest.watcher);
    void this.options.dropped(oldest.watcher).catch(this.options.onFailure);
  }

  /** There is a new state that nobody was told. */
  changed(): void {
    this.behind = undefined;
    this.failures = 0;
  }

  /**
   * Tells everybody who has not been told the newest state, and removes those who are away. True when all
   * were told; false when some could not be reached, or the state is no longer `isNewest`.
   */
  async tellAll(presence: ShownPresence, isNewest: () => boolean): Promise<boolean> {
    const behind = this.behind ?? new Map(this.all());
    this.behind = behind;
    const queue = [...behind.values()];
    const next = async (): Promise<void> => {
      for (let entry = queue.shift(); entry && isNewest(); entry = queue.shift()) {
        await this.tell(entry, presence, behind);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT }, next));
    if (!isNewest()) return false;
    if (behind.size === 0) return true;
    this.failures++;
    if (this.failures < MAX_FAILURES) return false;
    for (const { watcher } of behind.values()) this.remove(watcher);
    return true;
  }

  private async tell(
    entry: Entry,
    presence: ShownPresence,
    behind: Map<string, Entry>,
  ): Promise<void> {
    const { watcher } = entry;
    const key = watcher.join(" ");
    try {
      const answer = await this.options.tell(watcher, presence);
      behind.delete(key);
      if (answer === "away" && this.all().get(key) === entry) this.remove(watcher);
    } catch (error) {
      this.options.onFailure(error);
    }
  }

  /** Removes one, who is told nothing more. */
  remove(watcher: Watcher): void {
    deleteWatcher(this.options.sql, watcher);
    this.all().delete(watcher.join(" "));
  }

  private all(): Map<string, Entry> {
    this.known ??= new Map(
      readWatchers(this.options.sql).map((entry) => [entry.watcher.join(" "), entry]),
    );
    return this.known;
  }
}
