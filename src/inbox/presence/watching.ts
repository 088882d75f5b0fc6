import { z } from "zod";
import { LeakyBucket, type Rate } from "../../domain/budget.ts";
import { fail, ok, type Result } from "../../domain/error.ts";
import {
  hiddenOf,
  MAX_WATCHED,
  NEVER_ONLINE,
  type ShownPresence,
  shownOf,
} from "../../domain/presence.ts";
import { parsed } from "../../domain/stored.ts";
import { presenceEventOf, type UnwatchedEvent } from "../../live/inbox-events.ts";
import type { Connection, Connections } from "../connections.ts";
import {
  createPresenceTables,
  deleteWatched,
  hasPresenceTables,
  putWatched,
  readWatched,
} from "./tables.ts";

/** Users whose presence one user may ask for: a burst, and as many more each second. */
const LOOK_UPS: Rate = { burst: 1_000, perSecond: 20 };
/** Users who are asked at the same time. */
const CONCURRENT = 20;
/** A user who cannot be reached is asked so often. */
const ATTEMPTS = 3;

const storedIds = z.array(z.string());

export interface WatchingOptions {
  sql: SqlStorage;
  userId: string;
  connections: Connections;
  clock: () => number;
  /** Those among some users with whom this one shares a conversation. */
  sharing: (userIds: readonly string[]) => Promise<Set<string>>;
  /** Whose presence is not shown, because this user blocks them: they look as if they were never online. */
  isHidden: (userId: string) => boolean;
  /** Has the inbox of a user tell this one of changes; what they are shown now. */
  watch: (userId: string) => Promise<ShownPresence>;
  /** What a user is shown now. */
  ask: (userId: string) => Promise<ShownPresence>;
  onFailure: (error: unknown) => void;
}

/** Whose presence the sockets of an inbox are told: each its own users, at most {@link MAX_WATCHED}. */
export class Watching {
  private readonly options: WatchingOptions;
  /** By connection. A connection that watches nobody has no entry. */
  private readonly watched = new Map<string, Set<string>>();
  /** The newest versions that sockets were sent, of those who are watched. */
  private readonly versions = new Map<string, number>();
  private readonly lookUps = new LeakyBucket(LOOK_UPS);
  private isCreated: boolean;

  constructor(options: WatchingOptions) {
    this.options = options;
    const { sql, connections } = options;
    this.isCreated = hasPresenceTables(sql);
    if (!this.isCreated) return;
    for (const { connection, user_ids } of readWatched(sql)) {
      // The sockets of an object that was killed are gone.
      const userIds = storedIds.safeParse(parsed(user_ids));
      if (userIds.success && connections.has(connection)) {
        this.watched.set(connection, new Set(userIds.data));
      } else deleteWatched(sql, connection);
    }
  }

  /**
   * Tells a socket the presence of some users, now and whenever it changes; of those with whom its user
   * shares a conversation. Resolves to them once they are known; their presence follows.
   */
  async watch(connection: Connection, userIds: readonly string[]): Promise<Result<string[]>> {
    const asked = [...new Set(userIds)];
    const limited = this.spend(asked.length);
    if (limited) return limited;
    const sharing = await this.options.sharing(asked);
    const allowed = asked.filter((userId) => sharing.has(userId));
    if (!this.options.connections.of(connection.socket)) return ok([]);
    const all = new Set([...(this.watched.get(connection.id) ?? []), ...allowed]);
    if (all.size > MAX_WATCHED) {
      return fail("rate_limited", {
        message: `At most ${MAX_WATCHED} users are watched on one connection; unwatch some.`,
      });
    }
    this.set(connection.id, all);
    return ok(allowed);
  }

  /** Requests what {@link watch} has allowed. */
  async request(connection: Connection, userIds: readonly string[]): Promise<void> {
    const queue = [...userIds];
    const next = async (): Promise<void> => {
      for (let userId = queue.shift(); userId !== undefined; userId = queue.shift()) {
        await this.requestOne(connection, userId);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT }, next));
  }

  /** The users' inboxes find out with the next change that nobody watches them here. */
  unwatch(connection: Connection, userIds: readonly string[]): void {
    const all = this.watched.get(connection.id);
    if (!all) return;
    this.set(connection.id, new Set([...all].filter((userId) => !userIds.includes(userId))));
  }

  /** The presence of users with whom this one shares a conversation, once. */
  async look(userIds: readonly string[]): Promise<Result<[string, ShownPresence][]>> {
    const asked = [...new Set(userIds)];
    const limited = this.spend(asked.length);
    if (limited) return limited;
    const { sharing, ask, onFailure } = this.options;
    try {
      const shared = await sharing(asked);
      return ok(
        await Promise.all(
          asked
            .filter((userId) => shared.has(userId))
            .map(
              async (userId): Promise<[string, ShownPresence]> => [
                userId,
                this.shown(userId, await ask(userId)),
              ],
            ),
        ),
      );
    } catch (error) {
      onFailure(error);
      return fail("unavailable");
    }
  }

  /** Takes the presence of a user; false when no socket watches them. */
  take(userId: string, presence: ShownPresence): boolean {
    this.options.connections.evictStale();
    const watching = this.watchersOf(userId);
    if (watching.length === 0) return false;
    if (presence.version > (this.versions.get(userId) ?? -1)) {
      this.versions.set(userId, presence.version);
      for (const connection of watching) this.send(connection, userId, presence);
    }
    return true;
  }

  /** Sockets are told that they are no longer told of a user. */
  lost(userId: string): void {
    for (const connection of this.watchersOf(userId)) this.lose(connection, userId);
  }

  /** Users whom sockets watch. */
  userIds(): string[] {
    return [...new Set([...this.watched.values()].flatMap((userIds) => [...userIds]))];
  }

  /** Sockets are told what a user is shown as from now on, who is hidden or no longer. */
  visibilityChanged(userId: string): void {
    for (const connection of this.watchersOf(userId)) {
      if (this.options.isHidden(userId)) this.send(connection, userId, shownOf(NEVER_ONLINE));
      else void this.requestOne(connection, userId);
    }
  }

  /** A socket is closed. */
  closed(connection: Connection): void {
    this.set(connection.id, new Set());
  }

  private async requestOne(connection: Connection, userId: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      if (!this.watched.get(connection.id)?.has(userId)) return;
      try {
        this.answered(connection, userId, await this.options.watch(userId));
        return;
      } catch (error) {
        this.options.onFailure(error);
        if (attempt < ATTEMPTS) continue;
        this.lose(connection, userId);
        return;
      }
    }
  }

  /** A user's inbox has answered a socket; meanwhile it may have told of something newer. */
  private answered(connection: Connection, userId: string, presence: ShownPresence): void {
    if (!this.watched.get(connection.id)?.has(userId)) return;
    const known = this.versions.get(userId) ?? -1;
    if (presence.version < known) return;
    if (presence.version > known) this.take(userId, presence);
    else this.send(connection, userId, presence);
  }

  private lose(connection: Connection, userId: string): void {
    this.unwatch(connection, [userId]);
    const event: UnwatchedEvent = { type: "unwatched", userIds: [userId] };
    this.options.connections.send(connection, JSON.stringify(event));
  }

  private send(connection: Connection, userId: string, presence: ShownPresence): void {
    const event = presenceEventOf(userId, this.shown(userId, presence));
    this.options.connections.send(connection, JSON.stringify(event));
  }

  private shown(userId: string, presence: ShownPresence): ShownPresence {
    return this.options.isHidden(userId) ? hiddenOf(presence) : presence;
  }

  private watchersOf(userId: string): Connection[] {
    return this.options.connections
      .all()
      .filter(({ id }) => this.watched.get(id)?.has(userId) === true);
  }

  private spend(amount: number): Result<never> | undefined {
    const now = this.options.clock();
    if (this.lookUps.take(amount, now)) return undefined;
    const retryAfterMs = this.lookUps.waitMs(amount, now);
    return fail("rate_limited", { retryAfterMs, limit: "presence_look_ups" });
  }

  /** Stores whom a connection watches: one row. */
  private set(connectionId: string, userIds: ReadonlySet<string>): void {
    const { sql } = this.options;
    const before = this.watched.get(connectionId);
    if (userIds.size === (before?.size ?? 0)) return;
    if (!this.isCreated) createPresenceTables(sql);
    this.isCreated = true;
    if (userIds.size === 0) {
      this.watched.delete(connectionId);
      deleteWatched(sql, connectionId);
    } else {
      this.watched.set(connectionId, new Set(userIds));
      putWatched(sql, connectionId, userIds);
    }
    for (const userId of before ?? []) {
      if (this.watchersOf(userId).length === 0) this.versions.delete(userId);
    }
  }
}
