import { z } from "zod";
import type { ServerEvent } from "../../../live/events.ts";
import { CLOSE, type Feature, SILENCE_MS, TYPING_EXPIRES_MS } from "../../../live/version.ts";
import { isoTime } from "../../../live/wire.ts";
import { type ConnectionIdentity, identitySchema } from "../../identity.ts";
import type { Lines, Reader } from "../lines.ts";
import { Presence } from "./presence.ts";
import { close } from "./socket.ts";
import { SocketBudget } from "./socket-budget.ts";
import { TypingThrottle } from "./typing-throttle.ts";

const attachment = z.object({
  seat: identitySchema,
  live: z.boolean(),
  openedAt: z.number(),
  features: z.array(z.string()).default([]),
});

export interface Session {
  readonly socket: WebSocket;
  readonly seat: ConnectionIdentity;
  /** Has been given a `sync` with `more: false`, and gets events since. */
  live: boolean;
  /** What the client asked for beyond the first version of the protocol. */
  readonly features: readonly string[];
  readonly budget: SocketBudget;
  readonly openedAt: number;
  /** When it last sent something other than a ping; after a wake, when it was opened. */
  heardAt: number;
  /** By person: who came or went while it was still catching up. */
  readonly presence: Map<string, string>;
}

export interface SessionsOptions {
  ctx: DurableObjectState;
  clock: () => number;
  /** Whether presence and typing are spared, as in a large conversation. */
  quiet: () => boolean;
  elsewhere: OtherConnections;
  /** How long a change of presence must hold before it is announced. */
  presenceDelayMs: number;
}

/** Where else people are than at sockets: at gateways. */
export interface OtherConnections {
  /** Whether somebody is online there. */
  has(userId: string): boolean;
  userIds(): string[];
  /** Passes an event on to everybody there but one person. */
  deliverEphemeral(line: string, exceptUserId: string): void;
}

/** How often an object that is awake looks for sockets that have gone silent. */
const REAP_EVERY_MS = 30_000;

/** The sockets of a conversation: who is there, and how something reaches them. */
export class Sessions {
  private readonly ctx: DurableObjectState;
  private readonly clock: () => number;
  private readonly quiet: () => boolean;
  private readonly elsewhere: OtherConnections;
  private readonly bySocket = new Map<WebSocket, Session>();
  private readonly byUser = new Map<string, Set<Session>>();
  private readonly presence: Presence;
  private readonly typing = new TypingThrottle();
  private reapedAt: number;

  constructor({ ctx, clock, quiet, elsewhere, presenceDelayMs }: SessionsOptions) {
    this.ctx = ctx;
    this.elsewhere = elsewhere;
    this.clock = clock;
    this.quiet = quiet;
    this.reapedAt = clock();
    for (const socket of ctx.getWebSockets()) {
      const parsed = attachment.safeParse(socket.deserializeAttachment());
      if (parsed.success) this.add(socket, parsed.data);
      else close(socket, CLOSE.goingAway, "please reconnect");
    }
    this.presence = new Presence({
      delayMs: presenceDelayMs,
      clock,
      isOnline: (userId) => this.byUser.has(userId) || elsewhere.has(userId),
      announce: (userId, online, at) => this.announce(userId, online, at),
      online: [...this.byUser.keys(), ...elsewhere.userIds()],
    });
  }

  /** Takes a socket in for hibernation. It gets no event until it is live. */
  accept(socket: WebSocket, seat: ConnectionIdentity, features: readonly Feature[]): Session {
    this.ctx.acceptWebSocket(socket);
    const openedAt = this.clock();
    const session = this.add(socket, { seat, live: false, openedAt, features: [...features] });
    remember(session);
    this.presence.changed(seat.userId);
    return session;
  }

  /** Has been caught up with: hears everything from now on, and first who came or went meanwhile. */
  goLive(session: Session): void {
    // One that was ended while it was answered stays forgotten.
    if (session.live || this.of(session.socket) !== session) return;
    session.live = true;
    remember(session);
    if (session.presence.size > 0) this.send(session, [...session.presence.values()].join("\n"));
    session.presence.clear();
  }

  of(socket: WebSocket): Session | undefined {
    return this.bySocket.get(socket);
  }

  /** A person's sessions here. */
  ofUser(userId: string): ReadonlySet<Session> {
    return this.byUser.get(userId) ?? new Set();
  }

  /** Who is online, as far as the others were told, and `userId`, who asks. */
  online(userId: string): string[] {
    return [...new Set([...this.presence.online, userId])];
  }

  /** Somebody's connections elsewhere changed. */
  presenceChanged(userId: string): void {
    this.presence.changed(userId);
  }

  get size(): number {
    return this.bySocket.size;
  }

  /** A socket is gone, or goes now with `code`: the last one of a person tells the others. */
  leave(session: Session, code?: number, reason = ""): void {
    if (code !== undefined) {
      // One that never answers the close stays among the object's sockets: it is not to be let in again
      // when the object wakes.
      session.socket.serializeAttachment(null);
      close(session.socket, code, reason);
    }
    if (!this.bySocket.delete(session.socket)) return;
    const { userId } = session.seat;
    const others = this.byUser.get(userId);
    others?.delete(session);
    if (others && others.size > 0) return;
    this.byUser.delete(userId);
    this.presence.changed(userId);
  }

  /**
   * One frame for every socket: the events for those that are live, and behind them, for whoever has
   * something of their own to be told, `own`.
   */
  deliver(events: Lines, own: ReadonlyMap<Session, readonly string[]>): void {
    if (events.length === 0) {
      for (const [session, lines] of own) this.send(session, lines.join("\n"));
      return;
    }
    for (const session of this.bySocket.values()) {
      const lines = own.get(session);
      const common = session.live ? events.frameFor(readerOf(session)) : undefined;
      if (!lines) {
        if (common) this.send(session, common);
      } else {
        const mine = lines.join("\n");
        this.send(session, common ? `${common}\n${mine}` : mine);
      }
    }
  }

  /** Tells the others that somebody types, or stopped, unless they were told just now. */
  broadcastTyping(userId: string, active: boolean): void {
    if (!this.typing.allows(userId, active, this.clock())) return;
    this.broadcastToOthers(userId, {
      type: "typing",
      userId,
      active,
      expiresInMs: active ? TYPING_EXPIRES_MS : 0,
    });
  }

  /** Sends a frame, unless the token has expired: then the session ends instead. */
  send(session: Session, frame: string): void {
    if (this.expired(session)) return;
    try {
      session.socket.send(frame);
    } catch {
      // It has missed something: were it let in again after a wake, nobody would notice.
      this.leave(session, CLOSE.goingAway, "please reconnect");
    }
  }

  /** Ends a session whose token has expired; true when it did. */
  expired(session: Session): boolean {
    if (session.seat.expiresAt > this.clock()) return false;
    this.leave(session, CLOSE.unauthenticated, "the token expired");
    return true;
  }

  /** Ends sessions that have neither spoken nor pinged for {@link SILENCE_MS}: tabs that vanished. */
  reap(): void {
    const now = this.clock();
    if (now - this.reapedAt < REAP_EVERY_MS) return;
    this.reapedAt = now;
    this.evictStale(this.bySocket.values());
  }

  /** Ends those among some sessions whose token has expired or who have gone silent. */
  evictStale(sessions: Iterable<Session>): void {
    const now = this.clock();
    for (const session of [...sessions]) {
      if (this.expired(session)) continue;
      const pinged = this.ctx.getWebSocketAutoResponseTimestamp(session.socket)?.getTime() ?? 0;
      if (now - Math.max(pinged, session.heardAt) <= SILENCE_MS) continue;
      this.leave(session, CLOSE.goingAway, "nothing heard for 90 seconds");
    }
  }

  /** Tells the others that somebody came or went at a time. */
  private announce(userId: string, online: boolean, at: number): void {
    const event: ServerEvent = { type: "presence", userId, online, lastSeenAt: isoTime(at) };
    if (this.quiet()) return;
    for (const session of this.bySocket.values()) {
      if (session.live || session.seat.userId === userId) continue;
      session.presence.set(userId, JSON.stringify(event));
    }
    this.broadcastToOthers(userId, event);
  }

  /** An event for everybody there but one person; none at all in a large conversation. */
  private broadcastToOthers(userId: string, event: ServerEvent): void {
    if (this.quiet()) return;
    const frame = JSON.stringify(event);
    for (const session of [...this.bySocket.values()]) {
      if (session.live && session.seat.userId !== userId) this.send(session, frame);
    }
    this.elsewhere.deliverEphemeral(frame, userId);
  }

  private add(socket: WebSocket, kept: z.infer<typeof attachment>): Session {
    const { seat } = kept;
    const session: Session = {
      ...kept,
      socket,
      budget: new SocketBudget(),
      heardAt: kept.openedAt,
      presence: new Map(),
    };
    this.bySocket.set(socket, session);
    const others = this.byUser.get(seat.userId);
    if (others) others.add(session);
    else this.byUser.set(seat.userId, new Set([session]));
    return session;
  }
}

/** As whom a client reads what is broadcast. */
export function readerOf({ seat, features }: Session): Reader {
  return { origin: seat.origin, lean: features.includes("reactions") };
}

/** Keeps what a session must not forget over hibernation. */
function remember({ socket, seat, live, openedAt, features }: Session): void {
  const kept = { seat, live, openedAt, features: [...features] };
  socket.serializeAttachment(kept satisfies z.infer<typeof attachment>);
}
