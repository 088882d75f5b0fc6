import { DurableObject } from "cloudflare:workers";
import { IDENTITY_HEADER } from "../conversation/api.ts";
import { identitySchema } from "../conversation/identity.ts";
import type {
  InboxAnswer,
  InboxList,
  InboxProfile,
  PushDevice,
  Watcher,
} from "../conversation/outbound/inboxes/inbox-api.ts";
import { featuresOf } from "../conversation/outbound/sockets/greeting.ts";
import { refusedUpgrade } from "../conversation/outbound/sockets/socket.ts";
import type { Batch, Protocol } from "../conversation/outbound/subscribers/gateway-api.ts";
import { conversationOf, gatewayOf } from "../conversation/stub.ts";
import { CallTimeouts } from "../conversation/timeout.ts";
import { sharedConversations, writeBlocks } from "../directory/blocks.ts";
import { directoryOf, sessionOf } from "../directory/directory.ts";
import { countedConversations } from "../directory/inbox-totals.ts";
import { sharingWith } from "../directory/sharing.ts";
import type { BanOrder } from "../domain/ban.ts";
import { LeakyBucket, type Rate } from "../domain/budget.ts";
import type { Kind } from "../domain/conversation.ts";
import type { Replacement } from "../domain/erasure.ts";
import { chatError, fail, type Result } from "../domain/error.ts";
import type { ChosenLevel } from "../domain/notification-level.ts";
import type { NotificationSettings, SettingsChange } from "../domain/notification-settings.ts";
import { CONNECTED_MS } from "../domain/notifying.ts";
import { type ConnectionPresence, hiddenOf, type ShownPresence } from "../domain/presence.ts";
import type { PresenceSource } from "../domain/presence-sources.ts";
import { ask } from "../edge/conversations.ts";
import { type Env, settingsOf } from "../env.ts";
import type { InboxRemoval, InboxRow } from "../live/inbox-events.ts";
import { BANNED_CLOSE, CLOSE, MAX_SOCKETS_PER_USER, TOTAL_FEATURE } from "../live/version.ts";
import { bannedFrame, errorEventOf } from "../live/wire.ts";
import { log } from "../logging.ts";
import { socketClosed, socketOpened } from "../metrics.ts";
import { Notifications } from "../notify/notifications.ts";
import { Ban } from "./ban/ban.ts";
import { BanCalls } from "./ban/calls.ts";
import { Blocks } from "./blocks/blocks.ts";
import { type Connection, Connections } from "./connections.ts";
import { eraseStorage } from "./erase-storage.ts";
import { Followers } from "./followers.ts";
import { handleFrame } from "./frames.ts";
import { greet, type ListSource, readList } from "./greeting.ts";
import { ObjectAlarm } from "./object-alarm.ts";
import { OpenRooms } from "./open-rooms.ts";
import { PendingConversations } from "./pending-conversations.ts";
import { PresenceCalls } from "./presence/calls.ts";
import { UserPresence } from "./presence/user-presence.ts";
import { Watching } from "./presence/watching.ts";
import { profileOf } from "./profile.ts";
import { RecentRows } from "./recent-rows.ts";
import { Totals } from "./totals.ts";

/** Pages that the gateways of a user may request: each reads D1. */
const LISTS: Rate = { burst: 120, perSecond: 5 };

/** How long an order to ban waits until it is carried out everywhere. */
const BAN_ANSWER_MS = 3_000;

/**
 * The inbox of one user: their sockets that show all of their conversations. Conversations call it with
 * the newest row of whatever changes; while nobody is connected it only stores which of them have to be
 * asked again. The rows themselves are in D1.
 */
export class Inbox extends DurableObject<Env> {
  private readonly userId: string;
  private readonly connections: Connections;
  private readonly rooms: OpenRooms;
  private readonly followers: Followers;
  private readonly pending: PendingConversations;
  private readonly alarms: ObjectAlarm;
  private readonly lists = new LeakyBucket(LISTS);
  private readonly recent = new RecentRows(() => Date.now());
  private readonly presence: UserPresence;
  private readonly totals: Totals;
  private readonly watching: Watching;
  private readonly notifications: Notifications;
  private readonly blocking: Blocks;
  private readonly ban: Ban;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    const settings = settingsOf(env);
    if (settings instanceof Error) throw settings;
    const userId = ctx.id.name ?? "";
    this.userId = userId;
    const clock = () => Date.now();
    this.alarms = new ObjectAlarm(ctx.storage);
    const alarmAt = (time: number) => ctx.waitUntil(this.alarms.noLaterThan(time));
    this.connections = new Connections(ctx, clock, (connection, isOpen) => {
      if (isOpen) socketOpened(env.METRICS, "inbox");
      else socketClosed(env.METRICS, "inbox", clock() - connection.openedAt);
      if (!isOpen) {
        this.rooms.left(connection);
        this.watching.closed(connection);
      }
      this.presence.socketsChanged();
      this.connectionsChanged();
    });
    this.rooms = new OpenRooms({
      ...{ env, settings, connections: this.connections },
      presence: () => this.presence.connection(),
      waitUntil: (work) => ctx.waitUntil(work),
    });
    const { sql } = ctx.storage;
    const timeouts = new CallTimeouts();
    this.blocking = new Blocks({
      ...{ sql, userId, clock },
      transaction: (write) => ctx.storage.transactionSync(write),
      write: (changes) => writeBlocks(directoryOf(env.DB), userId, changes),
      shared: ({ blockedId, blocked }, page) =>
        // Whoever left and comes back looks up new blocks, but not those that are gone.
        sharedConversations(this.directory(), [userId, blockedId], { ...page, isPresent: blocked }),
      apply: (id, block) => timeouts.limit(conversationOf(env, id).applyBlocks([block])),
      checkAt: (time) => this.alarms.noLaterThan(time),
      onChange: (blockedId) => {
        this.presence.audienceChanged(["user", blockedId]);
        this.watching.visibilityChanged(blockedId);
      },
      onFailure: (error) => log("blocks_failed", { userId, error }),
    });
    const calls = new PresenceCalls(env, userId);
    this.presence = new UserPresence({
      ...{ sql, clock },
      hasSocket: () => this.connections.size > 0,
      openConversations: () => this.rooms.conversationIds().map((id) => ["conversation", id]),
      tellPlace: (place, presence) => calls.tellPlace(place, presence),
      askSource: (source) => calls.askSource(source),
      tell: (watcher, presence) => calls.tell(watcher, this.shownTo(watcher, presence)),
      dropped: (watcher) => calls.dropped(watcher),
      checkAt: alarmAt,
      onFailure: (error) => log("presence_failed", { userId, error }),
    });
    this.watching = new Watching({
      ...{ sql, clock, userId, connections: this.connections },
      sharing: (userIds) => sharingWith(this.directory(), userId, userIds),
      isHidden: (other) => this.blocking.has(other),
      watch: (other) => calls.watch(other),
      ask: (other) => calls.ask(other),
      onFailure: (error) => log("presence_failed", { userId, error }),
    });
    const banCalls = new BanCalls(env, userId);
    this.ban = new Ban({
      ...{ sql, userId, clock, checkAt: alarmAt },
      connectedTo: () => [...this.presence.connectedTo(), ...this.followers.sources()],
      evict: (source) => banCalls.evict(source),
      endOwn: () => this.connections.endAll(bannedFrame(), ...BANNED_CLOSE),
      store: (ban, acts) => banCalls.store(ban, acts),
      // Conversations may have stopped calling: there was nobody to notify.
      onEnd: () => this.pending.askAll(),
      onFailure: ([kind, id], error) => log("eviction_failed", { userId, kind, id, error }),
      onUnstored: (error) => log("ban_not_stored", { userId, error }),
    });
    this.notifications = new Notifications({
      ...{ env, settings, sql, userId, clock },
      mayNotify: () => !this.ban.isStanding,
      isConnected: () => this.isConnected(),
      broadcast: (event) => {
        this.connections.broadcast(JSON.stringify(event));
        // Gateways are told of rows only, which the conversation has.
        if (this.followers.size > 0) this.pending.ask([event.conversationId]);
      },
      rearm: (conversationId) => this.pending.ask([conversationId]),
      checkAt: alarmAt,
    });
    this.totals = new Totals({
      read: () => countedConversations(this.directory(), userId),
      recent: () => this.recent.all(),
      isWanted: () => this.connections.all().some(({ wantsTotal }) => wantsTotal),
      send: (event) => {
        const line = JSON.stringify(event);
        for (const connection of this.connections.all()) {
          if (connection.wantsTotal) this.connections.send(connection, line);
        }
      },
      onFailure: (error) => log("inbox_list_failed", { userId, error }),
    });
    this.followers = new Followers({
      sql,
      stubOf: (protocol, gateway) => gatewayOf(env, protocol, gateway),
      onMissed: (conversationId, error) => {
        if (error === undefined) this.pending.remember(conversationId);
        else this.pending.failed(conversationId, error);
      },
    });
    this.pending = new PendingConversations({
      ...{ sql, userId, retryAt: alarmAt },
      ask: (conversationId, call) => ask({ env }, conversationId, call),
      onRow: (row) => {
        this.notifications.asked(this.recent.add(row));
        return this.show(row);
      },
    });
    // The previous instance may have ended before all of them had answered.
    this.rearm();
  }

  update(row: InboxRow): InboxAnswer {
    const wanted = this.notifications.changed(this.recent.add(row));
    if (this.show(row)) return "watching";
    this.pending.remember(row.conversationId);
    return wanted;
  }

  deleted(removal: InboxRemoval): void {
    const { conversationId: id } = removal;
    this.notifications.deleted(removal);
    this.show(this.recent.add(removal));
    this.pending.forget(id);
    this.presence.forget(["conversation", id]);
  }

  follow(protocol: Protocol, gateway: string): boolean {
    this.ban.connected([protocol, gateway]);
    const isFollowing = this.followers.add(protocol, gateway);
    this.rearm();
    return isFollowing;
  }

  unfollow(gateway: string): void {
    this.followers.remove(gateway);
  }

  async list(after: string | undefined): Promise<Result<InboxList>> {
    const now = Date.now();
    const retryAfterMs = this.lists.waitMs(1, now);
    if (retryAfterMs > 0) return fail("rate_limited", { retryAfterMs });
    this.lists.charge(1, now);
    return readList(this.listSource(), this.userId, after);
  }

  arrived(source: PresenceSource, at: number): ConnectionPresence {
    this.presence.arrived(source, at);
    this.connectionsChanged();
    this.ban.connected(source);
    return this.presence.connection();
  }

  left(source: PresenceSource, at: number): ConnectionPresence {
    this.followers.remove(source[1]);
    this.presence.left(source, at);
    this.connectionsChanged();
    return this.presence.connection();
  }

  connection(): ConnectionPresence {
    return this.presence.connection();
  }

  async showIn(conversationId: string): Promise<ConnectionPresence> {
    this.connections.evictStale();
    return this.presence.follow(conversationId);
  }

  async watch(watcher: Watcher): Promise<ShownPresence> {
    this.connections.evictStale();
    return this.shownTo(watcher, await this.presence.watch(watcher));
  }

  async presenceNow(by?: string): Promise<ShownPresence> {
    this.connections.evictStale();
    const presence = await this.presence.now();
    return by === undefined ? presence : this.shownTo(["user", by], presence);
  }

  presenceOf(userId: string, presence: ShownPresence): "watching" | "away" {
    return this.watching.take(userId, presence) ? "watching" : "away";
  }

  unwatched(userId: string): void {
    this.watching.lost(userId);
  }

  presenceOfOthers(userIds: readonly string[]): Promise<Result<[string, ShownPresence][]>> {
    return this.watching.look(userIds);
  }

  async setBan(order: BanOrder): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, BAN_ANSWER_MS);
    await Promise.race([this.ban.set(order), late]);
    clearTimeout(timer);
    return this.ban.isDone;
  }

  notificationSettings(): NotificationSettings {
    return this.notifications.preferences.settings;
  }

  setNotificationSettings(change: SettingsChange): NotificationSettings {
    return this.notifications.setSettings(change);
  }

  notificationLevel(conversationId: string): ChosenLevel | undefined {
    return this.notifications.levels.chosen(conversationId);
  }

  setNotificationLevel(
    conversationId: string,
    kind: Kind,
    chosen: ChosenLevel | undefined,
  ): Result<ChosenLevel | undefined> {
    const set = this.notifications.setLevel(conversationId, kind, chosen);
    // It may have stopped calling.
    if (set.ok) this.pending.ask([conversationId]);
    return set;
  }

  putPushDevice(subscription: PushDevice): Result<undefined> {
    const { devices } = this.notifications;
    const isFirst = devices.size === 0;
    const put = devices.put(subscription);
    // Conversations may have stopped calling, while there was nothing to notify the user with.
    if (put.ok && isFirst) this.pending.askAll();
    return put;
  }

  removePushDevice(endpoint: string): void {
    this.notifications.devices.remove(endpoint);
  }

  setBlock(blockedId: string, blocked: boolean): Promise<Result<boolean>> {
    return this.blocking.set(blockedId, blocked);
  }

  profile(): InboxProfile {
    const { notifications, blocking, presence, connections } = this;
    return profileOf({ notifications, blocks: blocking, presence, connections });
  }

  blocks(): { blockedId: string; at: number }[] {
    return this.blocking.list();
  }

  acquaintances(): string[] {
    return [...new Set([...this.presence.watchingUsers(), ...this.watching.userIds()])];
  }

  forget(other: Replacement): void {
    this.blocking.forget(other.userId);
    this.presence.unwatch(["user", other.userId]);
    this.watching.lost(other.userId);
    this.ban.replace(other);
  }

  erase(): Promise<void> {
    this.connections.endAll(bannedFrame(), ...BANNED_CLOSE);
    return eraseStorage(this.ctx);
  }

  deliver(gateway: string, batch: Batch): boolean {
    return this.rooms.deliver(gateway, batch);
  }

  deliverEphemeral(gateway: string, conversationId: string, line: string): boolean {
    return this.rooms.deliverEphemeral(gateway, conversationId, line);
  }

  isSubscribed(gateway: string, conversationId: string): boolean {
    return this.rooms.isSubscribed(gateway, conversationId);
  }

  override async fetch(request: Request): Promise<Response> {
    const parsed = identitySchema.safeParse(
      JSON.parse(decodeURIComponent(request.headers.get(IDENTITY_HEADER) ?? "null")),
    );
    if (!parsed.success) throw new Error("an upgrade without an identity");
    if (this.ban.isStanding) return refusedUpgrade(...BANNED_CLOSE, bannedFrame());
    this.connections.evictStale();
    if (this.connections.size >= MAX_SOCKETS_PER_USER) {
      const message = `At most ${MAX_SOCKETS_PER_USER} connections to an inbox; close one.`;
      const error = errorEventOf(chatError("rate_limited", { message }), undefined);
      return refusedUpgrade(CLOSE.abuse, "too many sockets", JSON.stringify(error));
    }
    const pair = new WebSocketPair();
    const features = new URL(request.url).searchParams.get("features");
    const wantsTotal = features?.split(",").includes(TOTAL_FEATURE) === true;
    const connection = this.connections.accept(
      ...([pair[1], parsed.data, featuresOf(features), wantsTotal] as const),
    );
    // In this order: from now on conversations get `watching`; those that have stopped calling are asked;
    // then D1 is read. What happens meanwhile comes twice, and clients keep the newer row.
    this.rearm();
    this.ctx.waitUntil(this.greet(connection));
    return new Response(null, { status: 101, webSocket: pair[0] });
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const connection = this.connections.of(socket);
    if (!connection) return;
    await handleFrame(
      {
        env: this.env,
        ...this.listSource(),
        rooms: this.rooms.of(connection),
        presence: this.presence,
        watching: this.watching,
      },
      connection,
      data,
    );
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    const connection = this.connections.of(socket);
    // 1005 and 1006 say that there was no code; they cannot be sent.
    if (connection) {
      this.connections.leave(connection, code === 1005 || code === 1006 ? 1000 : code);
      return;
    }
    // The object woke because it closed: it is not among the open sockets, and was until now.
    this.presence.socketsChanged();
    this.connectionsChanged();
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket, 1006);
  }

  override async alarm(): Promise<void> {
    await this.alarms.handle(() => {
      this.rearm();
      this.pending.retry();
      this.blocking.check();
      this.connections.evictStale();
      return Promise.all([this.presence.check(), this.notifications.check(), this.ban.check()]);
    });
  }

  private async greet(connection: Connection): Promise<void> {
    const settings = () => ({ invisible: this.presence.isInvisible });
    await greet(this.listSource(), connection, settings);
    if (connection.wantsTotal) this.totals.opened();
  }

  private listSource(): ListSource {
    return {
      connections: this.connections,
      directory: this.directory,
      recent: () => this.recent.all(),
      // Large conversations call only those inboxes that ask for it.
      arm: (conversationIds) => this.pending.ask(conversationIds),
      shownOf: (row) => this.notifications.levels.rowOf(row),
    };
  }

  /** D1 in a session: a list is at least as new as everything that was written before it was requested. */
  private readonly directory = () => directoryOf(sessionOf(this.env.DB, undefined));

  /** Asks the conversations that have stopped calling, if there is somebody to show them to. */
  private rearm(): void {
    const isWatched = this.connections.size > 0 || this.followers.size > 0;
    if (isWatched) this.pending.askAll();
  }

  private isConnected(): boolean {
    const { connections, presence } = this;
    return presence.isConnectedElsewhere || connections.isAnyHeardWithin(CONNECTED_MS);
  }

  private connectionsChanged(): void {
    if (this.notifications.connectionsChanged(this.isConnected())) this.pending.askAll();
  }

  /** The user's presence as a watcher is shown it. */
  private shownTo([kind, id]: Watcher, presence: ShownPresence): ShownPresence {
    return kind === "user" && this.blocking.has(id) ? hiddenOf(presence) : presence;
  }

  /** Sends a row to everybody who is connected; false: nobody is. */
  private show(row: InboxRow): boolean {
    const shown = this.notifications.levels.rowOf(row);
    const isSent = this.connections.broadcast(frameOf([shown]));
    this.followers.tell(shown);
    this.totals.changed(row);
    return isSent || this.followers.size > 0;
  }
}

function frameOf(rows: readonly InboxRow[]): string {
  return JSON.stringify({ type: "inbox", rows });
}
