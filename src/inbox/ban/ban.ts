import { backoffMs } from "../../conversation/outbound/backoff.ts";
import type { Act } from "../../domain/act.ts";
import { afterOrder, type BanOrder, type BanState, isStanding } from "../../domain/ban.ts";
import type { Replacement } from "../../domain/erasure.ts";
import type { PresenceSource } from "../../domain/presence-sources.ts";
import { Evictions, type EvictionsOptions } from "./evictions.ts";
import {
  createBanTables,
  deleteActs,
  hasBanTables,
  readActs,
  readBan,
  replaceBannedBy,
  writeBan,
} from "./tables.ts";

/** When work is repeated that the end of the object may have interrupted. */
const INTERRUPTED_MS = 5_000;

export interface BanOptions extends EvictionsOptions {
  userId: string;
  /** Where the user is connected, as far as was reported. */
  connectedTo: () => Iterable<PresenceSource>;
  /** Ends the sockets of the inbox itself. */
  endOwn: () => void;
  /** Has {@link Ban.check} called at a time, or sooner. */
  checkAt: (time: number) => void;
  /** Writes the ban and the acts to D1; may be called twice. */
  store: (ban: BanState, acts: readonly Act[]) => Promise<void>;
  /** The user may connect again: the ban was lifted, or has ended. */
  onEnd: () => void;
  onUnstored: (error: unknown) => void;
}

/**
 * The ban of one user from the service. The inbox decides it, has D1 store it, where all other servers read
 * it, and ends the user's connections wherever they were reported, also those that are reported later. All of
 * it is repeated until it is done.
 */
export class Ban {
  private readonly options: BanOptions;
  private readonly evictions: Evictions;
  private state: BanState | undefined;
  private isCreated: boolean;
  /** D1 has the newest order. */
  private isStored = true;
  private storing: Promise<void> | undefined;
  private failures = 0;
  /** When it is to be stored again, after a failure. */
  private storeAt: number | undefined;
  private wasStanding: boolean;

  constructor(options: BanOptions) {
    this.options = options;
    const { sql } = options;
    this.isCreated = hasBanTables(sql);
    this.evictions = new Evictions(options, this.isCreated);
    this.state = this.isCreated ? readBan(sql) : undefined;
    this.isStored = !this.isCreated || readActs(sql).length === 0;
    this.wasStanding = this.isStanding;
  }

  /** Whether the user is banned now. */
  get isStanding(): boolean {
    return this.state !== undefined && isStanding(this.state, this.options.clock());
  }

  /** Whether D1 has it, and every connection is ended. */
  get isDone(): boolean {
    return this.isStored && this.evictions.size === 0;
  }

  /** Carries out an order; resolves once everything was tried. */
  async set(order: BanOrder): Promise<void> {
    const { sql, userId, clock, connectedTo, endOwn } = this.options;
    if (!this.isCreated) createBanTables(sql);
    this.isCreated = true;
    const now = clock();
    this.state = afterOrder(this.state, order, now);
    writeBan(sql, this.state, actOf(userId, this.state, order, now));
    this.isStored = false;
    if (this.isStanding) {
      for (const source of connectedTo()) this.evictions.add(source);
      endOwn();
    } else this.evictions.clear();
    this.noteEnd();
    await this.work();
  }

  /** Who has banned the user is called by another id from now on. */
  replace({ userId, erasedId }: Replacement): void {
    if (this.state?.bannedBy !== userId) return;
    this.state = { ...this.state, bannedBy: erasedId };
    replaceBannedBy(this.options.sql, erasedId);
  }

  /** A connection was reported: a banned user's is ended. */
  connected(source: PresenceSource): void {
    if (!this.isStanding) return;
    this.evictions.add(source);
    void this.work();
  }

  /** Repeats what is not done, and notices the end of a ban. */
  async check(): Promise<void> {
    this.noteEnd();
    await this.work();
  }

  private async work(): Promise<void> {
    // The object may end before the work does.
    this.schedule();
    await Promise.all([this.store(), this.evictions.run()]);
    this.schedule();
  }

  /** Sets the alarm for what is not done, and for the end of the ban. */
  private schedule(): void {
    const { clock, checkAt } = this.options;
    const now = clock();
    const { until = null } = this.state ?? {};
    if (this.isStanding && until !== null) checkAt(until);
    if (this.isDone) return;
    const storeAt = this.isStored ? undefined : this.storeAt;
    const times = [storeAt, this.evictions.retryAt].flatMap((time) => time ?? []);
    checkAt(Math.max(now, Math.min(now + INTERRUPTED_MS, ...times)));
  }

  private noteEnd(): void {
    const isEnd = this.wasStanding && !this.isStanding;
    this.wasStanding = this.isStanding;
    if (isEnd) this.options.onEnd();
  }

  private store(): Promise<void> {
    this.storing ??= this.storeNewest().finally(() => {
      this.storing = undefined;
    });
    return this.storing;
  }

  /** Orders that come meanwhile are stored in another round. */
  private async storeNewest(): Promise<void> {
    const { sql, clock, store, onUnstored } = this.options;
    while (!this.isStored && this.state) {
      const { state } = this;
      try {
        await store(state, readActs(sql));
      } catch (error) {
        onUnstored(error);
        this.failures++;
        this.storeAt = clock() + backoffMs(this.failures);
        return;
      }
      this.failures = 0;
      this.storeAt = undefined;
      deleteActs(sql, state.version);
      this.isStored = this.state === state;
    }
  }
}

function actOf(userId: string, { version }: BanState, order: BanOrder, now: number): Act {
  const { banned, actorId, actorRole, reason, until } = order;
  return {
    id: `ban:${userId}:${version}`,
    at: now,
    ...{ actorId, actorRole, action: banned ? "user.ban" : "user.unban", targetId: userId },
    ...(reason !== null && { reason }),
    ...(until !== null && { details: { until: new Date(until).toISOString() } }),
  };
}
