import { DurableObject } from "cloudflare:workers";
import type { ConnectionIdentity } from "../conversation/identity.ts";
import { close } from "../conversation/outbound/sockets/socket.ts";
import type {
  Batch,
  GatewayStub,
  Protocol,
} from "../conversation/outbound/subscribers/gateway-api.ts";
import {
  answerPreviousNames,
  lacksMethod,
  PREVIOUS_GATEWAY_METHODS,
} from "../conversation/rpc-versions.ts";
import { inboxOf } from "../conversation/stub.ts";
import { CallTimeouts } from "../conversation/timeout.ts";
import { LeakyBucket, Violations } from "../domain/budget.ts";
import type { Actor } from "../domain/policy.ts";
import { type ConnectionPresence, UNKNOWN_PRESENCE, VISIBLE_PRESENCE } from "../domain/presence.ts";
import { MAX_REPORT_DELAY_MS } from "../domain/presence-sources.ts";
import { isBanned } from "../edge/bans.ts";
import { type Env, type Settings, settingsOf } from "../env.ts";
import type { InboxRow } from "../live/inbox-events.ts";
import { CLOSE, SILENCE_MS } from "../live/version.ts";
import { log } from "../logging.ts";
import { socketClosed, socketOpened } from "../metrics.ts";
import { attachmentSchema, type ConnectionAttachment, NEW_CONNECTION } from "./attachment.ts";
import { ConnectionReport } from "./connection-report.ts";
import type { EventEncoder } from "./event-encoder.ts";
import { InboxSubscription } from "./inbox-subscription.ts";
import { type Admission, COMMANDS, type Limit } from "./limits.ts";
import { Rooms } from "./rooms.ts";

/** How long a client has to authenticate. Until then nothing is stored, so that a timer measures it. */
const HANDSHAKE_MS = 15_000;

/** How much older, in milliseconds, the stored time of a client's last message may be than the true one. */
const HEARD_AT_LAG_MS = 1_000;

/** How long a client waits for what its inbox says of its presence; until that is known others are not shown it. */
const PRESENCE_WITHIN_MS = 1_000;

/** Why this side ends a connection. */
export type EndReason = "expired" | "broken" | "silent" | "abusive" | "banned";

/** What differs between the protocols. */
export interface GatewayProtocol {
  name: Protocol;
  /** A client's heartbeat message, and the answer that it gets while the object hibernates. */
  heartbeat: [request: string, response: string];
  encoder: EventEncoder;
  /** A row of the inbox as its clients are sent it; `undefined`: they do not see such conversations. */
  encodeRow: (row: InboxRow) => string | undefined;
}

/** The same functions as the stub's; most are answered synchronously. */
type Rpc = {
  [Name in keyof GatewayStub]: (
    ...p: Parameters<GatewayStub[Name]>
  ) => boolean | ReturnType<GatewayStub[Name]>;
};

/**
 * One connection of a client that joins many conversations over it: what all such protocols share. It
 * stores nothing; whatever must survive hibernation is in the attachment of its one socket.
 */
export abstract class Gateway extends DurableObject<Env> implements Rpc {
  protected readonly settings: Settings;
  /** The socket, once the client has one. */
  protected socket: WebSocket | undefined;
  protected rooms: Rooms | undefined;
  protected kept = NEW_CONNECTION;
  private readonly protocol: GatewayProtocol;
  private readonly report: ConnectionReport;
  private readonly timeouts = new CallTimeouts(PRESENCE_WITHIN_MS);
  /** What the inbox said last of the person's presence, as far as this instance knows. */
  private presence: ConnectionPresence | undefined;
  private hasEnded = false;
  /** Some of the conversations may have been told otherwise. */
  private isUntold = false;
  private handshakeTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly commands = new LeakyBucket(COMMANDS);
  private readonly violations = new Violations();
  /** The time of the client's last message as it is stored. */
  private storedHeardAt = 0;
  /** When a heartbeat was last answered, as far as it was looked up. */
  private heartbeatAt = 0;

  constructor(ctx: DurableObjectState, env: Env, protocol: GatewayProtocol) {
    super(ctx, env);
    const settings = settingsOf(env);
    if (settings instanceof Error) throw settings;
    this.settings = settings;
    this.protocol = protocol;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(...protocol.heartbeat));
    this.report = new ConnectionReport({
      delayMs: Math.min(settings.PRESENCE_DELAY_MS, MAX_REPORT_DELAY_MS),
      source: [protocol.name, ctx.id.name ?? ""],
      isConnected: () => this.rooms !== undefined,
      stubOf: (userId) => inboxOf(env, userId),
      onReported: (presence) => {
        this.keep({ reported: true });
        return this.takePresence(presence ?? VISIBLE_PRESENCE);
      },
      onFailure: (error) => log("presence_failed", { error }),
    });
    for (const socket of ctx.getWebSockets()) {
      const parsed = attachmentSchema.safeParse(socket.deserializeAttachment());
      // The state of a handshake is in memory only, and lost.
      if (!parsed.success || parsed.data.stage === "pending" || !parsed.data.seat) {
        close(socket, CLOSE.goingAway, "please reconnect");
        continue;
      }
      this.restore(socket, parsed.data, parsed.data.seat);
    }
  }

  private restore(socket: WebSocket, kept: ConnectionAttachment, seat: ConnectionIdentity): void {
    this.socket = socket;
    this.kept = kept;
    this.storedHeardAt = kept.heardAt;
    this.rooms = this.roomsOf(seat);
    this.report.restore(seat.userId, kept.reported);
  }

  /** The socket whose end has woken the object, which is not among the open ones any more, is taken as it was. */
  protected restoreClosed(socket: WebSocket): void {
    if (this.socket || this.rooms || this.hasEnded) return;
    const parsed = attachmentSchema.safeParse(socket.deserializeAttachment());
    if (!parsed.success || parsed.data.stage === "pending" || !parsed.data.seat) return;
    this.restore(socket, parsed.data, parsed.data.seat);
  }

  /** The person as one who acts, with what this protocol lets them reach. */
  protected abstract actorOf(identity: ConnectionIdentity): Actor;
  protected abstract send(messages: readonly string[]): void;
  /** Resolves when the client has taken what it was sent; `undefined`: it has, as far as is known. */
  protected drained(): Promise<void> | undefined {
    return undefined;
  }
  /** Sends the client the reason, and ends the connection. */
  protected abstract end(reason: EndReason): void;

  deliver(batch: Batch): boolean {
    return this.rooms?.deliver(batch) ?? false;
  }

  deliverEphemeral(conversationId: string, line: string): boolean {
    return this.rooms?.deliverEphemeral(conversationId, line) ?? false;
  }

  isSubscribed(conversationId: string): boolean {
    return (this.rooms?.isSubscribed(conversationId) && this.isActive()) ?? false;
  }

  isConnected(userId: string): boolean {
    return this.kept.seat?.userId === userId && this.isActive();
  }

  async presenceOf(userId: string, presence: ConnectionPresence): Promise<boolean> {
    if (this.kept.seat?.userId !== userId || !this.isActive()) return false;
    await this.takePresence(presence);
    return true;
  }

  evict(userId: string): boolean {
    const isTheirs = this.kept.seat?.userId === userId;
    if (isTheirs) this.end("banned");
    return isTheirs;
  }

  deliverRow(row: InboxRow): boolean {
    if (!this.kept.inbox || !this.isActive()) return false;
    const message = this.protocol.encodeRow(row);
    if (message !== undefined) this.send([message]);
    return true;
  }

  /** The inbox of the person whose connection this is. */
  protected inboxOf({ userId, role }: ConnectionIdentity): InboxSubscription {
    return new InboxSubscription({
      role,
      ...{ inbox: inboxOf(this.env, userId), protocol: this.protocol.name },
      gateway: this.ctx.id.name ?? "",
      keep: (inbox) => this.keep({ inbox }),
    });
  }

  /**
   * Whether a user may not connect; they may have been banned since the Worker let them in. Learns meanwhile
   * whether they are visible, so that conversations are told so when they are joined.
   */
  protected async isBanned({ userId }: ConnectionIdentity): Promise<boolean> {
    const [banned] = await Promise.all([
      isBanned(this.env, userId, (work) => this.ctx.waitUntil(work)),
      this.askPresence(userId),
    ]);
    return banned;
  }

  private async askPresence(userId: string): Promise<void> {
    try {
      const presence = await this.timeouts.limit(inboxOf(this.env, userId).connection());
      // They are about to be connected.
      this.presence = { ...presence, connected: true };
    } catch (error) {
      if (lacksMethod(error, "connection")) this.presence = VISIBLE_PRESENCE;
      else log("presence_failed", { userId, error });
    }
  }

  /** Tells the conversations that were joined whether the person is visible, where that has changed. */
  private async takePresence(presence: ConnectionPresence): Promise<void> {
    if (presence.asOf < (this.presence?.asOf ?? 0)) return;
    this.presence = presence;
    if (presence.visible !== this.kept.visible) this.isUntold = true;
    this.keep({ visible: presence.visible });
    if (!this.isUntold) return;
    await this.rooms?.tellPresence(presence);
    if (this.presence === presence) this.isUntold = false;
  }

  /** Accepts a socket for hibernation. */
  protected accept(stage: ConnectionAttachment["stage"]): Response {
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    this.ctx.acceptWebSocket(server);
    const attachment: ConnectionAttachment = { ...this.kept, stage, heardAt: Date.now() };
    server.serializeAttachment(attachment);
    this.opened(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  protected abstract opened(socket: WebSocket): void;

  /** The connection is this person's from now on. */
  protected authenticated(identity: ConnectionIdentity): Rooms {
    clearTimeout(this.handshakeTimer);
    this.keep({ seat: identity, visible: this.presence?.visible ?? false });
    this.rooms = this.roomsOf(identity);
    this.report.changed(identity.userId);
    socketOpened(this.env.METRICS, this.protocol.name);
    return this.rooms;
  }

  protected keep(change: Partial<ConnectionAttachment>): void {
    this.kept = { ...this.kept, ...change };
    this.storedHeardAt = this.kept.heardAt;
    this.socket?.serializeAttachment(this.kept);
  }

  /** Ends a connection that is not authenticated within {@link HANDSHAKE_MS}. */
  protected awaitHandshake(onTimeout: () => void): void {
    clearTimeout(this.handshakeTimer);
    this.handshakeTimer = setTimeout(onTimeout, HANDSHAKE_MS);
  }

  /** The connection has ended, by either side. */
  protected closed(): void {
    clearTimeout(this.handshakeTimer);
    const { rooms } = this;
    this.hasEnded = true;
    this.rooms = undefined;
    this.socket = undefined;
    rooms?.leaveAll();
    if (rooms) socketClosed(this.env.METRICS, this.protocol.name);
    if (rooms && this.kept.seat) this.report.changed(this.kept.seat.userId);
  }

  /** Whether the client may be sent something; ends a connection that has expired or is silent. */
  protected isActive(): boolean {
    const { seat: identity } = this.kept;
    if (!this.rooms || !identity) return false;
    const now = Date.now();
    const silent = this.isSilent(now);
    if (identity.expiresAt > now && !silent) return true;
    this.end(silent ? "silent" : "expired");
    return false;
  }

  /** The client has sent something. */
  protected noteActivity(): void {
    const heardAt = Date.now();
    const lag = heardAt - this.storedHeardAt;
    if (lag < 0 || lag >= HEARD_AT_LAG_MS) this.keep({ heardAt });
    else this.kept = { ...this.kept, heardAt };
  }

  /** Whether the client has sent nothing for too long, heartbeats included. */
  private isSilent(now: number): boolean {
    const isRecent = (then: number) => now - then <= SILENCE_MS;
    if (isRecent(this.kept.heardAt) || isRecent(this.heartbeatAt)) return false;
    const { socket } = this;
    const answeredAt = socket && this.ctx.getWebSocketAutoResponseTimestamp(socket);
    this.heartbeatAt = answeredAt?.getTime() ?? 0;
    return !isRecent(this.heartbeatAt);
  }

  /**
   * Counts a request of the client against the connection's own rate, before a conversation is asked. The
   * first 100 joins are free; so are sends where `REQUEST_LIMITS` is off. Beyond the rate the first request
   * in a second is to be refused and the others ignored; a connection that continues is ended.
   */
  protected admit(limit: Limit): Admission {
    if (limit === "send" && !this.settings.REQUEST_LIMITS) return "accept";
    const { freeJoins } = this.kept;
    if (limit === "join" && freeJoins > 0) {
      this.keep({ freeJoins: freeJoins - 1 });
      return "accept";
    }
    const now = Date.now();
    if (this.commands.take(1, now)) return "accept";
    const penalty = this.violations.add(now);
    if (penalty !== "end") return penalty;
    this.end("abusive");
    return "ignore";
  }

  /** Does something that no request waits for; a failure is a bug, and logged. */
  protected inBackground(work: Promise<unknown>): void {
    this.ctx.waitUntil(work.catch((error) => log("gateway_failed", { error })));
  }

  private roomsOf(identity: ConnectionIdentity): Rooms {
    const gateway = this.ctx.id.name;
    if (gateway === undefined) throw new Error("gateways are addressed by name");
    const { name: protocol, encoder } = this.protocol;
    return new Rooms({
      env: this.env,
      actor: this.actorOf(identity),
      address: { gateway, protocol, origin: identity.origin },
      presence: () => this.presence ?? { ...UNKNOWN_PRESENCE, visible: this.kept.visible },
      encoder,
      kept: this.kept.rooms,
      send: (messages) => this.sendIfActive(messages),
      drained: () => this.drained(),
      keep: (rooms) => this.keep({ rooms }),
      onBroken: () => this.end("broken"),
      waitUntil: (work) => this.inBackground(work),
    });
  }

  private sendIfActive(messages: readonly string[]): boolean {
    if (!this.isActive()) return false;
    if (messages.length > 0) this.send(messages);
    return true;
  }
}

answerPreviousNames(Gateway, PREVIOUS_GATEWAY_METHODS);
