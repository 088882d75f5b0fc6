import type { Watcher } from "../../conversation/outbound/inboxes/inbox-api.ts";
import { LeakyBucket, type Rate } from "../../domain/budget.ts";
import { fail, ok, type Result } from "../../domain/error.ts";
import {
  afterEvent,
  type ConnectionPresence,
  NEVER_ONLINE,
  OFFLINE_AFTER_MS,
  type Presence,
  type PresenceEvent,
  type ShownPresence,
  shownOf,
} from "../../domain/presence.ts";
import {
  arrived,
  CONFIRMED_MS,
  confirmed,
  hasConnection,
  left,
  type PresenceSource,
  type Sources,
  unconfirmed,
} from "../../domain/presence-sources.ts";
import { Following } from "./following.ts";
import { Places } from "./places.ts";
import {
  createPresenceTables,
  hasPresenceTables,
  putPresence,
  putSources,
  readPresence,
  readSources,
  readWatchers,
} from "./tables.ts";
import { Watchers, type WatchersOptions } from "./watchers.ts";

/** Sources that are asked one after the other until one has a connection. */
const MAX_ASKED = 20;
/** Changes of settings, of which all watchers are told. */
const SETTINGS: Rate = { burst: 5, perSecond: 0.1 };
/** When a round of calls is checked that is under way: the object may end before it does. */
const CHECK_TOLD_MS = 10_000;

export interface UserPresenceOptions extends WatchersOptions {
  clock: () => number;
  /** Whether a socket of the inbox itself is open. */
  hasSocket: () => boolean;
  /** The conversations that are open over such sockets. */
  openConversations: () => PresenceSource[];
  /** Tells a conversation or gateway; false: a conversation that shows the user to nobody. */
  tellPlace: (place: PresenceSource, presence: ConnectionPresence) => Promise<boolean>;
  /** Asks a source whether the user still has a connection there. */
  askSource: (source: PresenceSource) => Promise<boolean>;
  /** Has {@link UserPresence.check} called at a time, or sooner. */
  checkAt: (time: number) => void;
}

/**
 * Whether a user is online, by sockets of their inbox and by what conversations and gateways report; and who
 * is told of it. Stored, because the object hibernates, from the first connection or watcher on.
 */
export class UserPresence {
  private readonly options: UserPresenceOptions;
  private readonly watchers: Watchers;
  private presence: Presence = NEVER_ONLINE;
  private sources: Sources = new Map();
  private isCreated: boolean;
  private isTelling = false;
  private readonly places: Places;
  private readonly following: Following;
  /** Whether conversations that follow the user were told last that they are connected; `undefined`: it is not known. */
  private toldConnected: boolean | undefined;
  /** Whether those that hold connections may have to be told anew whether the user is visible. */
  private isInterrupted: boolean;
  private asOf = 0;
  private verification: Promise<void> | undefined;
  private readonly settings = new LeakyBucket(SETTINGS);

  constructor(options: UserPresenceOptions) {
    this.options = options;
    this.watchers = new Watchers(options);
    this.following = new Following(options.sql);
    this.places = new Places({
      tell: (place) => this.tellPlace(place),
      onFailure: options.onFailure,
      onBehind: () => this.schedule(),
    });
    this.isCreated = hasPresenceTables(options.sql);
    if (this.isCreated) {
      this.presence = readPresence(options.sql);
      this.sources = readSources(options.sql);
    }
    this.isInterrupted = this.presence.told !== this.presence.version;
  }

  get isInvisible(): boolean {
    return this.presence.invisible;
  }

  /** Whether a conversation or a gateway has reported a connection that has not ended. */
  get isConnectedElsewhere(): boolean {
    return hasConnection(this.sources);
  }

  /** What has reported a connection that has not ended. */
  connectedTo(): PresenceSource[] {
    return [...this.sources.values()].flatMap(({ source, isConnected }) =>
      isConnected ? [source] : [],
    );
  }

  /** The same, the newest first, with the time of the report; gateways without their name. */
  connectedSince(): { kind: string; conversationId: string | null; since: number }[] {
    return [...this.sources.values()]
      .filter(({ isConnected }) => isConnected)
      .sort((one, other) => other.at - one.at)
      .map(({ source: [kind, id], at }) => ({
        ...{ kind, conversationId: kind === "conversation" ? id : null, since: at },
      }));
  }

  arrived(source: PresenceSource, at: number): void {
    this.setSources(arrived(this.sources, source, at));
    this.reconcile(at);
    this.tellFollowing();
  }

  left(source: PresenceSource, at: number): void {
    this.setSources(left(this.sources, source, at));
    this.reconcile(at);
    this.tellFollowing();
    void this.verify();
  }

  /** A conversation was deleted: nobody is connected to it, and it is not told any more. */
  forget(source: PresenceSource): void {
    this.following.forget(source[1]);
    this.left(source, this.options.clock());
  }

  /** A socket of the inbox was opened or closed. */
  socketsChanged(): void {
    this.reconcile(this.options.clock());
    this.tellFollowing();
    void this.verify();
  }

  /** What conversations and gateways are told, as of now. */
  connection(): ConnectionPresence {
    this.asOf = Math.max(this.asOf + 1, this.options.clock());
    const { online, leftAt, invisible } = this.presence;
    const connected = online && leftAt === undefined;
    return { connected, visible: !invisible, asOf: this.asOf };
  }

  /** Adds a conversation that is told from now on whether the user is connected. */
  async follow(conversationId: string): Promise<ConnectionPresence> {
    const { clock, tellPlace, onFailure } = this.options;
    const dropped = this.following.add(conversationId, clock());
    if (dropped) void tellPlace(dropped, { ...this.connection(), last: true }).catch(onFailure);
    this.reconcile(clock());
    await this.verify();
    this.schedule();
    return this.connection();
  }

  /** Hides the user from others, or shows them again. */
  setInvisible(invisible: boolean): Result<null> {
    const now = this.options.clock();
    if (invisible !== this.presence.invisible && !this.settings.take(1, now)) {
      return fail("rate_limited", { retryAfterMs: this.settings.waitMs(1, now) });
    }
    this.apply({ type: "invisible", invisible });
    return ok(null);
  }

  /** A watcher may be shown the user no longer, or again. */
  audienceChanged(watcher: Watcher): void {
    // Others are not told.
    if (this.isCreated && this.watchers.has(watcher)) this.apply({ type: "audience" });
  }

  /** Adds a watcher, who is told of changes from now on; what they are shown now. */
  async watch(watcher: Watcher): Promise<ShownPresence> {
    this.create();
    this.watchers.add(watcher);
    this.schedule();
    return this.now();
  }

  /** Removes a watcher, who is told nothing more. */
  unwatch(watcher: Watcher): void {
    if (this.isCreated) this.watchers.remove(watcher);
  }

  /** Users who are told of changes. */
  watchingUsers(): string[] {
    if (!this.isCreated) return [];
    return readWatchers(this.options.sql).flatMap(({ watcher: [kind, id] }) =>
      kind === "user" ? id : [],
    );
  }

  /** What others are shown now. */
  async now(): Promise<ShownPresence> {
    this.reconcile(this.options.clock());
    await this.verify();
    return shownOf(this.presence);
  }

  /** Does what is due: goes offline, tells watchers, asks whether connections are still there. */
  async check(): Promise<void> {
    this.reconcile(this.options.clock());
    this.places.retry();
    await Promise.all([this.tell(), this.verify()]);
    this.schedule();
  }

  /** `at`: when the last connection ended, if it did. */
  private reconcile(at: number): void {
    const now = this.options.clock();
    const isConnected = this.options.hasSocket() || hasConnection(this.sources);
    this.apply(isConnected ? { type: "connected" } : { type: "disconnected", at });
    this.apply({ type: "time", now });
  }

  private apply(event: PresenceEvent): void {
    let next = afterEvent(this.presence, event);
    if (next === this.presence) return;
    this.create();
    const isChanged = next.version !== this.presence.version;
    if (isChanged) this.watchers.changed();
    const holders = event.type === "invisible" ? this.holders() : [];
    if (isChanged && this.watchers.size === 0 && holders.length === 0) {
      next = afterEvent(next, { type: "told", version: next.version });
    }
    this.presence = next;
    putPresence(this.options.sql, next);
    if (holders.length > 0) this.toldConnected = undefined;
    this.places.tell(holders);
    this.schedule();
    void this.tell();
  }

  /** Tells watchers the newest state, one round at a time. */
  private async tell(): Promise<void> {
    if (this.isTelling) return;
    this.isTelling = true;
    try {
      while (this.presence.told !== this.presence.version) {
        const { version } = this.presence;
        const isNewest = () => this.presence.version === version;
        if (this.isInterrupted) this.places.tell(this.holders());
        this.isInterrupted = false;
        const done = await Promise.all([
          this.watchers.tellAll(shownOf(this.presence), isNewest),
          this.places.settled(),
        ]);
        if (!done.includes(false)) this.apply({ type: "told", version });
        else if (isNewest()) break;
      }
    } finally {
      this.isTelling = false;
    }
    this.schedule();
  }

  /** Those who show the user as connected: where they are, and conversations that are told wherever that is. */
  private holders(): PresenceSource[] {
    const connections = [...this.connectedTo(), ...this.options.openConversations()];
    return [...connections, ...this.following.all()];
  }

  /**
   * Tells conversations that the user has connected or is no longer connected to anything, at once: they wait
   * themselves until it has lasted. Costs no row; what a crash prevents is told with the next connection.
   */
  private tellFollowing(): void {
    const { connected, visible } = this.connection();
    // Whoever is invisible comes and goes unseen; becoming visible tells the present state.
    if (!visible || this.toldConnected === connected) return;
    this.toldConnected = connected;
    this.places.tell(this.following.all());
  }

  private async tellPlace(place: PresenceSource): Promise<void> {
    const { tellPlace, clock } = this.options;
    const isShowing = await tellPlace(place, this.connection());
    const [kind, id] = place;
    if (kind === "conversation" && !isShowing) this.following.isAway(id, clock());
  }

  /**
   * Where the user is online only by sources that were not confirmed lately, asks them: they may have ended
   * without a report. One that cannot be reached counts until it is asked again.
   */
  private verify(): Promise<void> {
    const { clock, hasSocket } = this.options;
    if (hasSocket() || !unconfirmed(this.sources, clock())) return Promise.resolve();
    this.verification ??= this.askSources().finally(() => {
      this.verification = undefined;
    });
    return this.verification;
  }

  private async askSources(): Promise<void> {
    const { clock, askSource, onFailure } = this.options;
    for (let i = 0; i < MAX_ASKED; i++) {
      const source = unconfirmed(this.sources, clock());
      if (!source) return;
      try {
        const askedAt = clock();
        const isConnected = await askSource(source);
        if (isConnected) this.sources = confirmed(this.sources, source, clock());
        else this.setSources(left(this.sources, source, askedAt));
      } catch (error) {
        onFailure(error);
        return;
      }
      this.reconcile(clock());
      this.tellFollowing();
    }
  }

  private setSources(sources: Sources): void {
    if (sources === this.sources) return;
    // What is kept for the order of reports only is not stored.
    if (hasConnection(sources) || hasConnection(this.sources)) {
      this.create();
      putSources(this.options.sql, this.sources, sources);
    }
    this.sources = sources;
  }

  /** Sets the alarm for what has to be done without being asked for. */
  private schedule(): void {
    const { clock, checkAt } = this.options;
    const { online, leftAt, version, told } = this.presence;
    const isBehind = told !== version;
    const { retryInMs } = this.places;
    if (retryInMs !== undefined) checkAt(clock() + retryInMs);
    if (leftAt !== undefined) checkAt(leftAt + OFFLINE_AFTER_MS);
    else if (isBehind)
      checkAt(clock() + (this.isTelling ? CHECK_TOLD_MS : this.watchers.retryInMs));
    else if (online && this.watchers.size > 0) checkAt(clock() + CONFIRMED_MS);
  }

  private create(): void {
    if (this.isCreated) return;
    createPresenceTables(this.options.sql);
    this.isCreated = true;
  }
}
