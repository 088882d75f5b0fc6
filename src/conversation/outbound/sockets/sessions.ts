import type { Hides } from "../../../domain/hides.ts";
import type { ServerEvent } from "../../../live/events.ts";
import { CLOSE, type Feature, SILENCE_MS, TYPING_EXPIRES_MS } from "../../../live/version.ts";
import { isoTime } from "../../../live/wire.ts";
import type { ConnectionIdentity } from "../../identity.ts";
import type { EventLines, Reader } from "../event-lines.ts";
import { newSession, readerOf, restoredSession, type Session, storeSession } from "./session.ts";
import { SessionIndex } from "./session-index.ts";
import { type PresenceState, ShownPresence } from "./shown-presence.ts";
import { close } from "./socket.ts";
import { TypingThrottle } from "./typing-throttle.ts";

export interface SessionsOptions {
  ctx: DurableObjectState;
  clock: () => number;
  /** Whether presence and typing are left out, as in a large conversation. */
  quiet: () => boolean;
  elsewhere: OtherConnections;
  /** Whether others may see that a user is connected; `undefined`: their inbox has not said it since the object woke. */
  visibleOf: (userId: string) => boolean | undefined;
  /** Whether a user is connected to something else, and shown as online by that. */
  isElsewhere: (userId: string) => boolean;
  /** Whether a reader may see that a user is connected here, and types. */
  isVisible: (userId: string, reader: string) => boolean;
  /** Whether a reader may see that a user is connected to something else. */
  mayFollow: (userId: string, reader: string) => boolean;
  /** Whom a reader hides. */
  hidesOf: (userId: string) => Hides;
  /** How long a change of presence must hold before it is announced. */
  presenceDelayMs: number;
  /** A user's first socket was opened, or the last one closed. */
  onSockets: (userId: string) => void;
  /** A socket was opened. */
  onOpened: () => void;
  /** A session has ended, by either side. */
  onClosed?: (session: Session) => void;
}

/** Connections other than sockets: gateways. */
export interface OtherConnections {
  /** Whether a user is online there. */
  has(userId: string): boolean;
  userIds(): string[];
  /** Whether others may see so. */
  isShown(userId: string): boolean;
  /** Sends an event of a person to those others there whom it is for. */
  deliverEphemeral(line: string, userId: string, isFor: (reader: string) => boolean): void;
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
  private readonly visibleOf: SessionsOptions["visibleOf"];
  private readonly isElsewhere: SessionsOptions["isElsewhere"];
  private readonly isVisible: SessionsOptions["isVisible"];
  private readonly mayFollow: SessionsOptions["mayFollow"];
  private readonly hidesOf: SessionsOptions["hidesOf"];
  private readonly elsewhere: OtherConnections;
  private readonly index = new SessionIndex();
  private readonly presence: ShownPresence;
  private readonly typing = new TypingThrottle();
  private readonly onSockets: (userId: string) => void;
  private readonly onOpened: () => void;
  private readonly onClosed: SessionsOptions["onClosed"];
  private reapedAt: number;

  constructor(options: SessionsOptions) {
    const { ctx, clock, quiet, elsewhere, presenceDelayMs, onSockets } = options;
    this.ctx = ctx;
    this.visibleOf = options.visibleOf;
    this.isElsewhere = options.isElsewhere;
    this.isVisible = options.isVisible;
    this.mayFollow = options.mayFollow;
    this.hidesOf = options.hidesOf;
    this.onSockets = onSockets;
    this.onOpened = options.onOpened;
    this.onClosed = options.onClosed;
    this.elsewhere = elsewhere;
    this.clock = clock;
    this.quiet = quiet;
    this.reapedAt = clock();
    for (const socket of ctx.getWebSockets()) {
      const session = restoredSession(socket);
      if (session) this.index.add(session);
      else close(socket, CLOSE.goingAway, "please reconnect");
    }
    // Whom inboxes say to be elsewhere is not known yet.
    const all = [...this.index.userIds(), ...elsewhere.userIds()];
    const here = all.filter((userId) => this.isShown(userId));
    this.presence = new ShownPresence({
      delayMs: presenceDelayMs,
      clock,
      stateOf: (userId) => this.stateOf(userId),
      announce: (userId, before, after, at) => this.announce(userId, before, after, at),
      initial: here.map((userId) => [userId, "here"] as const),
    });
  }

  /** Accepts a socket for hibernation. It gets no event until it is live. */
  accept(socket: WebSocket, identity: ConnectionIdentity, features: readonly Feature[]): Session {
    this.ctx.acceptWebSocket(socket);
    const { userId } = identity;
    const reported = this.isReported(userId);
    const visible = this.isShown(userId);
    const session = newSession(socket, {
      ...{ identity, live: false, openedAt: this.clock(), features, reported, visible },
    });
    this.index.add(session);
    storeSession(session);
    this.presence.changed(userId);
    if (this.ofUser(userId).size === 1) this.onSockets(userId);
    this.onOpened();
    return session;
  }

  /**
   * The session of a socket whose end has woken the object: it is not among the open sockets any more. As
   * others were shown it; `undefined`: it had left before.
   */
  restoreClosed(socket: WebSocket): Session | undefined {
    const session = restoredSession(socket);
    if (!session) return undefined;
    this.index.add(session);
    const { userId } = session.identity;
    if (this.isShown(userId)) this.presence.restore(userId, "here");
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
    const visible = [...this.presence.states].flatMap(([other, state]) =>
      this.shows(other, state, userId) ? other : [],
    );
    return [...new Set([...visible, userId])];
  }

  /**
   * A reader's blocks have changed: shows them whether somebody is online whom they may see now, or no
   * longer; nothing of somebody who is offline, or in a large conversation.
   */
  showPresence(userId: string, reader: string): void {
    const state = this.presence.of(userId);
    if (this.quiet() || state === "offline") return;
    const online = this.shows(userId, state, reader);
    const lastSeenAt = isoTime(this.clock());
    const line = JSON.stringify({ type: "presence", userId, online, lastSeenAt });
    for (const session of this.ofUser(reader)) {
      if (session.live) this.send(session, line);
      else session.presence.set(userId, line);
    }
    this.elsewhere.deliverTo(reader, line);
  }

  /** The same of somebody who is connected elsewhere; whoever is here is seen as before. */
  showElsewhere(userId: string, reader: string): void {
    if (this.presence.of(userId) === "elsewhere") this.showPresence(userId, reader);
  }

  /**
   * A user may be seen by the others from now on: they are shown that the user is online, and the user who of
   * them is.
   */
  revealed(userId: string): void {
    this.announce(userId, "offline", this.presence.of(userId), this.clock());
    for (const other of this.presence.states.keys()) this.showElsewhere(other, userId);
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

  /** Whether others may see that a user is connected: nobody may whose inbox has not said so. */
  isShown(userId: string): boolean {
    const visible = this.visibleOf(userId);
    if (visible !== undefined) return visible;
    for (const session of this.ofUser(userId)) if (session.visible) return true;
    return this.elsewhere.isShown(userId);
  }

  /** Others may see from now on that a user is connected, or not any more. */
  setVisible(userId: string, visible: boolean): void {
    for (const session of this.ofUser(userId)) {
      if (session.visible === visible) continue;
      session.visible = visible;
      storeSession(session);
    }
  }

  /** A user's other connections changed, or what is known of their presence, which has held for a while. */
  presenceChanged(userId: string, heldMs = 0): void {
    this.presence.changed(userId, heldMs);
  }

  /** A user may have been shown as connected elsewhere before the object woke: that they are not is announced. */
  presenceForgotten(userId: string): void {
    this.presence.mayBeElsewhere(userId);
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
    this.onClosed?.(session);
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

  private stateOf(userId: string): PresenceState {
    const isHere = this.ofUser(userId).size > 0 || this.elsewhere.has(userId);
    if (isHere && this.isShown(userId)) return "here";
    return this.isElsewhere(userId) ? "elsewhere" : "offline";
  }

  /** Whether a reader sees a user as online. */
  private shows(userId: string, state: PresenceState, reader: string): boolean {
    if (state === "offline" || !this.isVisible(userId, reader)) return false;
    return state === "here" || userId === reader || this.mayFollow(userId, reader);
  }

  /** Announces to those others for whom it is a change that a user is online or offline since `at`. */
  private announce(userId: string, before: PresenceState, after: PresenceState, at: number): void {
    if (this.quiet()) return;
    const isFor = (reader: string) =>
      userId !== reader && this.shows(userId, before, reader) !== this.shows(userId, after, reader);
    const online = after === "here" || before === "offline";
    const event: ServerEvent = { type: "presence", userId, online, lastSeenAt: isoTime(at) };
    const line = JSON.stringify(event);
    for (const session of this.index.values()) {
      if (!session.live && isFor(session.identity.userId)) session.presence.set(userId, line);
    }
    this.broadcastTo(isFor, userId, line);
  }

  /** An event of one user for the others who may see it; not sent in a large conversation. */
  private broadcastToOthers(userId: string, event: ServerEvent): void {
    if (this.quiet()) return;
    const isFor = (reader: string) => userId !== reader && this.isVisible(userId, reader);
    this.broadcastTo(isFor, userId, JSON.stringify(event));
  }

  private broadcastTo(isFor: (reader: string) => boolean, userId: string, line: string): void {
    for (const session of this.all()) {
      if (session.live && isFor(session.identity.userId)) this.send(session, line);
    }
    this.elsewhere.deliverEphemeral(line, userId, isFor);
  }
}
