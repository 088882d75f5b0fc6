import { banChanges, hasBan, KnownBans } from "../directory/bans.ts";
import { type Directory, directoryOf } from "../directory/directory.ts";
import type { Env } from "../env.ts";
import { log } from "../logging.ts";
import { knownUsers } from "./known-users.ts";

/** After this, what is known is read anew, while requests are answered with it. */
const REFRESH_AFTER_MS = 3_000;
/** After this, a request waits for what is read. */
const WAIT_AFTER_MS = 6_000;
/** How long it waits at most; then what is known counts. */
const WAIT_MS = 1_000;
/** After this, every server that can read D1 knows of a ban, or that it was lifted. */
export const BANS_KNOWN_MS = WAIT_AFTER_MS + WAIT_MS;
/** People who are refused are looked up again after {@link WAIT_AFTER_MS}; so many are known to be banned. */
const CONFIRMED_MAX = 10_000;
/** After this, everything is read: bans that have ended are not kept for ever. */
const RELOAD_AFTER_MS = 60 * 60_000;

export interface BanListOptions {
  clock: () => number;
  onFailure: (error: unknown) => void;
  /** A user is banned: whoever is erased is banned meanwhile. */
  onBan?: (userId: string) => void;
}

/**
 * Who is banned, as this isolate knows it: read whole once, and then what has changed, at most every three
 * seconds while it is used. While D1 is unavailable, what is known counts; an isolate that has never read it
 * knows of nobody.
 */
export class BanList {
  private readonly options: BanListOptions;
  private known = new KnownBans();
  private readAt = Number.NEGATIVE_INFINITY;
  private startedAt = Number.NEGATIVE_INFINITY;
  private failedAt = Number.NEGATIVE_INFINITY;
  private isExpired = false;
  /** When it was read last that these people are banned. */
  private readonly confirmedAt = new Map<string, number>();

  constructor(options: BanListOptions) {
    this.options = options;
  }

  has(userId: string): boolean {
    return this.known.has(userId, this.options.clock());
  }

  /**
   * Reads what has changed, if that was not done lately. A promise: to be waited for, because what is known
   * is too old. `keep` lets a read go on that nobody waits for. Each request waits for its own read: workerd
   * ties a promise to the request that made it.
   */
  refresh(
    directory: () => Directory,
    keep: (work: Promise<unknown>) => void,
  ): Promise<void> | undefined {
    const now = this.options.clock();
    const isWithin = (then: number, milliseconds: number) => Math.abs(now - then) < milliseconds;
    const isUsable = !this.isExpired && isWithin(this.readAt, WAIT_AFTER_MS);
    if (isUsable && isWithin(this.startedAt, REFRESH_AFTER_MS)) return undefined;
    if (isWithin(this.failedAt, REFRESH_AFTER_MS)) return undefined;
    this.startedAt = now;
    this.isExpired = false;
    const reading = this.read(directory, now).catch((error: unknown) => {
      this.failedAt = now;
      this.options.onFailure(error);
    });
    keep(reading);
    return isUsable ? undefined : this.waitFor(reading, now);
  }

  /**
   * Whether somebody who is banned as far as is known still is: of a person who was erased no row says that they
   * are not. While D1 is unavailable, they are.
   */
  async isConfirmed(directory: () => Directory, userId: string): Promise<boolean> {
    const now = this.options.clock();
    const confirmedAt = this.confirmedAt.get(userId) ?? Number.NEGATIVE_INFINITY;
    if (Math.abs(now - confirmedAt) < WAIT_AFTER_MS) return true;
    try {
      if (!(await hasBan(directory(), userId))) {
        this.known.forget(userId);
        return false;
      }
      if (this.confirmedAt.size >= CONFIRMED_MAX) this.confirmedAt.clear();
      this.confirmedAt.set(userId, now);
    } catch (error) {
      this.options.onFailure(error);
    }
    return true;
  }

  /** What is known is too old from now on. */
  expire(): void {
    this.isExpired = true;
    this.failedAt = Number.NEGATIVE_INFINITY;
  }

  private async read(directory: () => Directory, now: number): Promise<void> {
    const isReload = Math.abs(now - this.readAt) >= RELOAD_AFTER_MS;
    const changes = await banChanges(directory(), isReload ? 0 : this.known.since);
    if (isReload) {
      const reloaded = new KnownBans();
      reloaded.apply(changes, now);
      // Another read may have been faster, and have what is newer.
      if (reloaded.since >= this.known.since) this.known = reloaded;
    } else this.known.apply(changes, now);
    for (const { userId } of changes) if (this.known.has(userId, now)) this.options.onBan?.(userId);
    this.readAt = now;
  }

  private async waitFor(reading: Promise<void>, now: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.failedAt = now;
        resolve();
      }, WAIT_MS);
    });
    await Promise.race([reading, late]);
    clearTimeout(timer);
  }
}

const list = new BanList({
  clock: () => Date.now(),
  onFailure: (error) => log("bans_failed", { error }),
  onBan: (userId) => knownUsers.forget(userId),
});

/** Whether a user is banned, as far as this isolate knows; it looks for changes now and then. */
export async function isBanned(
  env: Env,
  userId: string,
  keep: (work: Promise<unknown>) => void,
): Promise<boolean> {
  const refreshing = list.refresh(() => directoryOf(env.DB), keep);
  if (refreshing) await refreshing;
  return list.has(userId) && (await list.isConfirmed(() => directoryOf(env.DB), userId));
}

/** The next request of this isolate waits for what has changed. */
export function bansChanged(): void {
  list.expire();
}
