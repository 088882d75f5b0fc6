import { z } from "zod";
import type { ServerEvent } from "../live/events.ts";
import { CLOSE, MAX_COMMANDS_PER_SECOND, SILENCE_MS, TYPING_EXPIRES_MS } from "../live/version.ts";
import { isoTime } from "../live/wire.ts";
import type { Lines } from "./lines.ts";
import { type Seat, seat } from "./seat.ts";
import { close } from "./socket.ts";

const attachment = z.object({ seat, live: z.boolean(), openedAt: z.number() });

export interface Session {
  readonly socket: WebSocket;
  readonly seat: Seat;
  /** Has been given a `sync` with `more: false`, and gets events since. */
  live: boolean;
  badFrames: number;
  readonly openedAt: number;
  /** When it last sent something other than a ping; after a wake, when it was opened. */
  heardAt: number;
  /** By person: who came or went while it was still catching up. */
  readonly presence: Map<string, string>;
  /** Commands within the second that began at `secondAt`. */
  commands: number;
  secondAt: number;
}

/** Where else people are than at sockets: at gateways. */
export interface Elsewhere {
  /** Whether somebody is online there. */
  has(userId: string): boolean;
  userIds(): string[];
  /** Passes an event on to everybody there but one person. */
  pass(line: string, exceptUserId: string): void;
}

/** How often an object that is awake looks for sockets that have gone silent. */
const REAP_EVERY_MS = 30_000;

/** The sockets of a conversation: who is there, and how something reaches them. */
export class Sessions {
  private readonly ctx: DurableObjectState;
  private readonly clock: () => number;
  /** Whether presence and typing are spared, as in a large conversation. */
  private readonly quiet: () => boolean;
  private readonly elsewhere: Elsewhere;
  private readonly bySocket = new Map<WebSocket, Session>();
  private readonly byUser = new Map<string, Set<Session>>();
  private reapedAt: number;

  constructor(
    ctx: DurableObjectState,
    clock: () => number,
    quiet: () => boolean,
    elsewhere: Elsewhere,
  ) {
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
  }

  /** Takes a socket in for hibernation. It gets no event until it is live. */
  accept(socket: WebSocket, seat: Seat): Session {
    this.ctx.acceptWebSocket(socket);
    const session = this.add(socket, { seat, live: false, openedAt: this.clock() });
    remember(session);
    if (this.ofUser(seat.userId).size === 1 && !this.elsewhere.has(seat.userId)) {
      this.tellPresence(seat.userId, true);
    }
    return session;
  }

  /** Has been caught up with: hears everything from now on, and first who came or went meanwhile. */
  goLive(session: Session): void {
    if (session.live) return;
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

  /** Who is there: has a socket open, or is there by a gateway. */
  online(): string[] {
    return [...new Set([...this.byUser.keys(), ...this.elsewhere.userIds()])];
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
    if (!this.elsewhere.has(userId)) this.tellPresence(userId, false);
  }

  /**
   * One frame for every socket: `events` for those that are live, and behind them, for whoever has
   * something of their own to be told, `own`.
   */
  deliver(events: Lines, own: ReadonlyMap<Session, readonly string[]>): void {
    if (events.length === 0) {
      for (const [session, lines] of own) this.send(session, lines.join("\n"));
      return;
    }
    for (const session of this.bySocket.values()) {
      const lines = own.get(session);
      const common = session.live ? events.frameFor(session.seat.origin) : undefined;
      if (!lines) {
        if (common) this.send(session, common);
      } else {
        const mine = lines.join("\n");
        this.send(session, common ? `${common}\n${mine}` : mine);
      }
    }
  }

  tellTyping(userId: string, active: boolean): void {
    this.tellOthers(userId, {
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

  /** Counts a command against a socket's own rate; false when there are too many of them. */
  spend(session: Session): boolean {
    const now = this.clock();
    if (now - session.secondAt >= 1_000) {
      session.secondAt = now;
      session.commands = 0;
    }
    session.commands++;
    return session.commands <= MAX_COMMANDS_PER_SECOND;
  }

  /** Ends sessions that have neither spoken nor pinged for {@link SILENCE_MS}: tabs that vanished. */
  reap(): void {
    const now = this.clock();
    if (now - this.reapedAt < REAP_EVERY_MS) return;
    this.reapedAt = now;
    this.weed(this.bySocket.values());
  }

  /** Ends those among some sessions whose token has expired or who have gone silent. */
  weed(sessions: Iterable<Session>): void {
    const now = this.clock();
    for (const session of [...sessions]) {
      if (this.expired(session)) continue;
      const pinged = this.ctx.getWebSocketAutoResponseTimestamp(session.socket)?.getTime() ?? 0;
      if (now - Math.max(pinged, session.heardAt) <= SILENCE_MS) continue;
      this.leave(session, CLOSE.goingAway, "nothing heard for 90 seconds");
    }
  }

  /** Tells the others that somebody came or went. */
  tellPresence(userId: string, online: boolean): void {
    const lastSeenAt = isoTime(this.clock());
    const event: ServerEvent = { type: "presence", userId, online, lastSeenAt };
    if (this.quiet()) return;
    for (const session of this.bySocket.values()) {
      if (session.live || session.seat.userId === userId) continue;
      session.presence.set(userId, JSON.stringify(event));
    }
    this.tellOthers(userId, event);
  }

  /** An event for everybody there but one person; none at all in a large conversation. */
  private tellOthers(userId: string, event: ServerEvent): void {
    if (this.quiet()) return;
    const frame = JSON.stringify(event);
    for (const session of [...this.bySocket.values()]) {
      if (session.live && session.seat.userId !== userId) this.send(session, frame);
    }
    this.elsewhere.pass(frame, userId);
  }

  private add(socket: WebSocket, { seat, live, openedAt }: z.infer<typeof attachment>): Session {
    const session: Session = {
      socket,
      seat,
      live,
      openedAt,
      badFrames: 0,
      heardAt: openedAt,
      presence: new Map(),
      commands: 0,
      secondAt: openedAt,
    };
    this.bySocket.set(socket, session);
    const others = this.byUser.get(seat.userId);
    if (others) others.add(session);
    else this.byUser.set(seat.userId, new Set([session]));
    return session;
  }
}

/** Keeps what a session must not forget over hibernation. */
function remember({ socket, seat, live, openedAt }: Session): void {
  socket.serializeAttachment({ seat, live, openedAt } satisfies z.infer<typeof attachment>);
}
