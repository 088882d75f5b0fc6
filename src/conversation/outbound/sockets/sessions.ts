import type { Hides } from "../../../domain/hides.ts";
import type { ServerEvent } from "../../../live/events.ts";
import { CLOSE, type Feature, SILENCE_MS, TYPING_EXPIRES_MS } from "../../../live/version.ts";
import { isoTime } from "../../../live/wire.ts";
import type { ConnectionIdentity } from "../../identity.ts";
import type { EventLines, Reader } from "../event-lines.ts";
import { Presence } from "./presence.ts";
import { newSession, readerOf, restoredSession, type Session, storeSession } from "./session.ts";
import { SessionIndex } from "./session-index.ts";
import { close } from "./socket.ts";
import { TypingThrottle } from "./typing-throttle.ts";

export interface SessionsOptions {
  ctx: DurableObjectState;
  clock: () => number;
  /** Whether presence and typing are left out, as in a large conversation. */
  quiet: () => boolean;
  elsewhere: OtherConnections;
  /** Whether a reader may see that a user is connected, and types. */
  isVisible: (userId: string, reader: string) => boolean;
  /** Whom a reader hides. */
  hidesOf: (userId: string) => Hides;
  /** How long a change of presence must hold before it is announced. */
  presenceDelayMs: number;
  /** A user's first socket was opened, or the last one closed. */
  onSockets: (userId: string) => void;
}

/** Connections other than sockets: gateways. */
export interface OtherConnections {
  /** Whether a user is online there. */
  has(userId: string): boolean;
  userIds(): string[];
  /** Sends an event of a person to everybody else there who may see it. */
  deliverEphemeral(line: string, userId: string): void;
  /** Sends an event to one person there. */
  deliverTo(userId: string, line: string): void;
}

/** How often an object that is awake looks for silent sockets. */
const REAP_EVERY_MS = 30_000;

/** The open sockets of a conversation: who is connected, and how frames are sent to them. */
export class Sessions {
  private readonly ctx: DurableObjectState;
  private readonly clock: () => number;
  private readonly quiet: () => boolean;
  private readonly isVisible: SessionsOptions["isVisible"];
  private readonly hidesOf: SessionsOptions["hidesOf"];
  private readonly elsewhere: OtherConnections;
  private readonly index = new SessionIndex();
  private readonly presence: Presence;
  private readonly typing = new TypingThrottle();
  private readonly onSockets: (userId: string) => void;
  private reapedAt: number;

  constructor(options: SessionsOptions) {
    const { ctx, clock, quiet, elsewhere, presenceDelayMs, onSockets } = options;
    this.ctx = ctx;
    this.isVisible = options.isVisible;
    this.hidesOf = options.hidesOf;
    this.onSockets = onSockets;
    this.elsewhere = elsewhere;
    this.clock = clock;
    this.quiet = quiet;
    this.reapedAt = clock();
    for (const socket of ctx.getWebSockets()) {
      const session = restoredSession(socket);
      if (session) this.index.add(session);
      else close(socket, CLOSE.goingAway, "please reconnect");
    }
    this.presence = new Presence({
      delayMs: presenceDelayMs,
      clock,
      isOnline: (userId) => this.ofUser(userId).size > 0 || elsewhere.has(userId),
      announce: (userId, online, at) => this.announce(userId, online, at),
      online: [...this.index.userIds(), ...elsewhere.userIds()],
    });
  }

  /** Accepts a socket for hibernation. It gets no event until it is live. */
  accept(socket: WebSocket, identity: ConnectionIdentity, features: readonly Feature[]): Session {
    this.ctx.acceptWebSocket(socket);
    const { userId } = identity;
    const reported = this.isReported(userId);
    const session = newSession(socket, {
      ...{ identity, live: false, openedAt: this.clock(), features, reported },
    });
    this.index.add(session);
    storeSession(session);
    this.presence.changed(userId);
    if (this.ofUser(userId).size === 1) this.onSockets(userId);
    return session;
  }

  /** The session has caught up: it gets every event from now on, and first the presence it missed. */
  goLive(session: Session): void {
    // One that was closed while it was answered stays closed.
    if (session.live || this.of(session.socket) !== session) return;
    session.live = true;
    storeSession(session);
    if (session.presence.size > 0) this.send(session, [...session.presence.values()].join("\n"));
    session.presence.clear();
  }

  of(socket: WebSocket): Session | undefined {
    return this.index.of(socket);
  }

  /** Every session, as of now. */
  all(): Session[] {
    return [...this.index.values()];
  }

  /** A person's sessions. */
  ofUser(userId: string): ReadonlySet<Session> {
    return this.index.ofUser(userId);
  }

  /** Who is online, as announced to the others, and `userId`, who asks. */
  online(userId: string): string[] {
    const visible = [...this.presence.online].filter((other) => this.isVisible(other, userId));
    return [...new Set([...visible, userId])];
  }

  /**
   * A reader's blocks have changed: shows them whether somebody is online whom they may see now, or no
   * longer; nothing of somebody who is offline, or in a large conversation.
   */
  showPresence(userId: string, reader: string): void {
    if (this.quiet() || !this.presence.online.has(userId)) return;
    const online = this.isVisible(userId, reader);
    const lastSeenAt = isoTime(this.clock());
    const line = JSON.stringify({ type: "presence", userId, online, lastSeenAt });
    for (const session of this.ofUser(reader)) {
      if (session.live) this.send(session, line);
      else session.presence.set(userId, line);
    }
    this.elsewhere.deliverTo(reader, line);
  }

  /** A user may be seen by the others from now on: they are shown that the user is online. */
  revealed(userId: string): void {
    if (this.presence.online.has(userId)) this.announce(userId, true, this.clock());
  }

  /** How a session is sent events. */
  readerOf(session: Session): Reader {
    return { ...readerOf(session), hides: this.hidesOf(session.identity.userId) };
  }

  /** Users with a socket. */
  userIds(): Iterable<string> {
    return this.index.userIds();
  }

  /** Those of them whose inbox knows of it. */
  reportedUsers(): string[] {
    return [...this.index.userIds()].filter((userId) => this.isReported(userId));
  }

  /** A user's inbox knows that they have a socket here. */
  markReported(userId: string): void {
    for (const session of this.ofUser(userId)) {
      if (session.reported) continue;
      session.reported = true;
      storeSession(session);
    }
  }

  /** A user's other connections changed. */
  presenceChanged(userId: string): void {
    this.presence.changed(userId);
  }

  get size(): number {
    return this.index.size;
  }

  /** Removes a session whose socket is closed, or closes it with `code`. */
  leave(session: Session, code?: number, reason = ""): void {
    if (code !== undefined) {
      // A client that never answers the close leaves the socket among the object's: without an
      // attachment it is not restored when the object wakes.
      session.socket.serializeAttachment(null);
      close(session.socket, code, reason);
    }
    if (!this.index.remove(session)) return;
    const { userId } = session.identity;
    if (this.ofUser(userId).size > 0) return;
    this.presence.changed(userId);
    this.onSockets(userId);
  }

  /**
   * Sends one frame to every socket: the events if it is live and, behind them, the lines that are its
   * `own`. Those of `shownAnew` have the events in their own lines. Throws where an event cannot be encoded.
   */
  deliver(
    events: EventLines | undefined,
    own: ReadonlyMap<Session, readonly string[]>,
    shownAnew: ReadonlySet<Session> = new Set(),
  ): void {
    if (!events || events.length === 0) {
      for (const [session, lines] of own) this.send(session, lines.join("\n"));
      return;
    }
    for (const session of this.index.values()) {
      const lines = own.get(session);
      const isToGetEvents = session.live && !shownAnew.has(session);
      const common = isToGetEvents ? events.frameFor(this.readerOf(session)) : undefined;
      if (!lines) {
        if (common) this.send(session, common);
      } else {
        const mine = lines.join("\n");
        this.send(session, common ? `${common}\n${mine}` : mine);
      }
    }
  }

  /** Broadcasts that a user types or stopped, as often as {@link TypingThrottle} allows. */
  broadcastTyping(userId: string, active: boolean): void {
    if (!this.typing.allows(userId, active, this.clock())) return;
    this.broadcastToOthers(userId, {
      type: "typing",
      userId,
      active,
      expiresInMs: active ? TYPING_EXPIRES_MS : 0,
    });
  }

  /** Sends a frame, or closes the session if its token has expired or its socket cannot be sent to. */
  send(session: Session, frame: string): void {
    if (this.expired(session)) return;
    try {
      session.socket.send(frame);
    } catch {
      // It has missed something: it must resume, also if it is restored after a wake.
      this.leave(session, CLOSE.goingAway, "please reconnect");
    }
  }

  /** Closes a session whose token has expired; true when it has. */
  expired(session: Session): boolean {
    if (session.identity.expiresAt > this.clock()) return false;
    this.leave(session, CLOSE.unauthenticated, "the token expired");
    return true;
  }

  /** Closes sessions that have neither sent a frame nor pinged for {@link SILENCE_MS}. */
  reap(): void {
    const now = this.clock();
    if (now - this.reapedAt < REAP_EVERY_MS) return;
    this.reapedAt = now;
    this.evictStale(this.index.values());
  }

  /** Sends a user a last frame, and closes their sockets. */
  evict(userId: string, frame: string, code: number, reason: string): void {
    for (const session of [...this.ofUser(userId)]) {
      this.send(session, frame);
      this.leave(session, code, reason);
    }
  }

  /** Closes those among some sessions whose token has expired or that are silent. */
  evictStale(sessions: Iterable<Session>): void {
    const now = this.clock();
    for (const session of [...sessions]) {
      if (this.expired(session)) continue;
      const pinged = this.ctx.getWebSocketAutoResponseTimestamp(session.socket)?.getTime() ?? 0;
      if (now - Math.max(pinged, session.lastFrameAt) <= SILENCE_MS) continue;
      this.leave(session, CLOSE.goingAway, "nothing heard for 90 seconds");
    }
  }

  private isReported(userId: string): boolean {
    for (const { reported } of this.ofUser(userId)) if (reported) return true;
    return false;
  }

  /** Announces to the others that a user is online or offline since `at`. */
  private announce(userId: string, online: boolean, at: number): void {
    const event: ServerEvent = { type: "presence", userId, online, lastSeenAt: isoTime(at) };
    if (this.quiet()) return;
    for (const session of this.index.values()) {
      if (session.live || !this.isForOther(userId, session.identity.userId)) continue;
      session.presence.set(userId, JSON.stringify(event));
    }
    this.broadcastToOthers(userId, event);
  }

  /** An event of one user for the others who may see it; not sent in a large conversation. */
  private broadcastToOthers(userId: string, event: ServerEvent): void {
    if (this.quiet()) return;
    const frame = JSON.stringify(event);
    for (const session of this.all()) {
      if (session.live && this.isForOther(userId, session.identity.userId)) {
        this.send(session, frame);
      }
    }
    this.elsewhere.deliverEphemeral(frame, userId);
  }

  private isForOther(userId: string, reader: string): boolean {
    return userId !== reader && this.isVisible(userId, reader);
  }
}
