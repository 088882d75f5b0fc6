import { z } from "zod";
import { type ConnectionIdentity, identitySchema } from "../conversation/identity.ts";
import { close } from "../conversation/outbound/sockets/socket.ts";
import { SocketBudget } from "../conversation/outbound/sockets/socket-budget.ts";
import { MAX_ROOMS } from "../gateway/limits.ts";
import { CLOSE, FEATURES, type Feature, SILENCE_MS } from "../live/version.ts";

/** What is stored of a connection while the object hibernates. */
const stored = z.object({
  identity: identitySchema,
  openedAt: z.number(),
  id: z.string().default(() => crypto.randomUUID()),
  features: z.array(z.enum(FEATURES)).catch([]),
  rooms: z.string().default(""),
  wantsTotal: z.boolean().default(false),
});
type Stored = z.infer<typeof stored>;

/** How often an inbox that is called looks for silent sockets. */
const REAP_EVERY_MS = 30_000;

/** A socket of an inbox. */
export interface Connection {
  readonly socket: WebSocket;
  /** Its own, also after a wake. */
  readonly id: string;
  readonly identity: ConnectionIdentity;
  readonly openedAt: number;
  /** What the client asked for beyond the first version of the protocol. */
  readonly features: readonly Feature[];
  /** It is sent the total of unread messages. */
  readonly wantsTotal: boolean;
  /** The conversations that are open over it, as they are stored; see `kept-rooms.ts`. */
  rooms: string;
  readonly budget: SocketBudget;
  /** Conversations that it may open without their counting as commands; after a wake, as at first. */
  freeOpenings: number;
  /** When it last sent something other than a ping; after a wake, when it was opened. */
  lastFrameAt: number;
  /** Frames that wait for `hello`, which is the first; `undefined`: it was sent. */
  waiting: string[] | undefined;
}

/** The open sockets of one user's inbox. */
export class Connections {
  private readonly ctx: DurableObjectState;
  private readonly clock: () => number;
  private reapedAt: number;
  private readonly bySocket = new Map<WebSocket, Connection>();
  private readonly onChange: (connection: Connection, isOpen: boolean) => void;

  /** `onChange`: a connection was accepted or has ended. */
  constructor(
    ctx: DurableObjectState,
    clock: () => number,
    onChange: (connection: Connection, isOpen: boolean) => void,
  ) {
    this.ctx = ctx;
    this.clock = clock;
    this.onChange = onChange;
    this.reapedAt = clock();
    for (const socket of ctx.getWebSockets()) {
      const parsed = stored.safeParse(socket.deserializeAttachment());
      if (parsed.success) this.restore(socket, parsed.data);
      else close(socket, CLOSE.goingAway, "please reconnect");
    }
  }

  get size(): number {
    return this.bySocket.size;
  }

  of(socket: WebSocket): Connection | undefined {
    return this.bySocket.get(socket);
  }

  /** Every connection, as of now. */
  all(): Connection[] {
    return [...this.bySocket.values()];
  }

  has(id: string): boolean {
    return this.all().some((connection) => connection.id === id);
  }

  /** Whether any was heard of within so many milliseconds. */
  isAnyHeardWithin(milliseconds: number): boolean {
    const now = this.clock();
    return this.all().some((connection) => now - this.heardAt(connection) <= milliseconds);
  }

  /** Any one of them; `undefined`: nobody is connected. */
  first(): Connection | undefined {
    return this.bySocket.values().next().value;
  }

  /** Accepts a socket for hibernation. */
  accept(
    socket: WebSocket,
    identity: ConnectionIdentity,
    features: readonly Feature[],
    wantsTotal: boolean,
  ): Connection {
    this.ctx.acceptWebSocket(socket);
    const connection = newConnection(socket, {
      ...{ identity, openedAt: this.clock(), id: crypto.randomUUID() },
      ...{ features: [...features], rooms: "", wantsTotal },
    });
    store(connection);
    connection.waiting = [];
    this.bySocket.set(socket, connection);
    this.onChange(connection, true);
    return connection;
  }

  /** Stores which conversations are open over a socket. */
  keep(connection: Connection, rooms: string): void {
    if (connection.rooms === rooms || this.of(connection.socket) !== connection) return;
    connection.rooms = rooms;
    store(connection);
  }

  /** Sends the first frame of a connection, and behind it what has waited for that. */
  greet(connection: Connection, frame: string): void {
    const { waiting = [] } = connection;
    connection.waiting = undefined;
    for (const one of [frame, ...waiting]) this.send(connection, one);
  }

  /** Removes a socket that is closed, or closes it with `code`. */
  leave(connection: Connection, code?: number, reason = ""): void {
    const { socket } = connection;
    const isKnown = this.bySocket.delete(socket);
    if (code !== undefined) {
      // A client that never answers the close leaves the socket among the object's.
      socket.serializeAttachment(null);
      close(socket, code, reason);
    }
    if (isKnown) this.onChange(connection, false);
  }

  /** Sends a last frame to everybody who is connected, and closes their sockets. */
  endAll(frame: string, code: number, reason: string): void {
    for (const connection of this.all()) {
      if (!connection.waiting) this.send(connection, frame);
      this.leave(connection, code, reason);
    }
  }

  /** Sends a frame to everybody who is connected; whether there is anybody. */
  broadcast(frame: string): boolean {
    this.evictStale();
    for (const connection of [...this.bySocket.values()]) this.send(connection, frame);
    return this.size > 0;
  }

  /** Sends a frame, or closes the connection if its token has expired or it cannot be sent to. */
  send(connection: Connection, frame: string): void {
    if (this.expired(connection)) return;
    if (connection.waiting) {
      connection.waiting.push(frame);
      return;
    }
    try {
      connection.socket.send(frame);
    } catch {
      // It has missed something: it must connect again, also if it is restored after a wake.
      this.leave(connection, CLOSE.goingAway, "please reconnect");
    }
  }

  /** Closes a connection whose token has expired; true when it has. */
  expired(connection: Connection): boolean {
    if (connection.identity.expiresAt > this.clock()) return false;
    this.leave(connection, CLOSE.unauthenticated, "the token expired");
    return true;
  }

  /** Closes silent connections, now and then. */
  reap(): void {
    const now = this.clock();
    if (now - this.reapedAt < REAP_EVERY_MS && now >= this.reapedAt) return;
    this.reapedAt = now;
    this.evictStale();
  }

  /** Closes connections whose token has expired or that have neither sent a frame nor pinged. */
  evictStale(): void {
    const now = this.clock();
    for (const connection of [...this.bySocket.values()]) {
      if (this.expired(connection)) continue;
      if (now - this.heardAt(connection) <= SILENCE_MS) continue;
      this.leave(connection, CLOSE.goingAway, "nothing received for 90 seconds");
    }
  }

  private heardAt({ socket, lastFrameAt }: Connection): number {
    const pinged = this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
    return Math.max(pinged, lastFrameAt);
  }

  private restore(socket: WebSocket, kept: Stored): void {
    this.bySocket.set(socket, newConnection(socket, kept));
  }
}

function newConnection(socket: WebSocket, kept: Stored): Connection {
  return {
    ...{ ...kept, socket, budget: new SocketBudget(), freeOpenings: MAX_ROOMS },
    ...{ lastFrameAt: kept.openedAt, waiting: undefined },
  };
}

function store({ socket, features, ...connection }: Connection): void {
  const { id, identity, openedAt, rooms, wantsTotal } = connection;
  const kept: Stored = { id, identity, openedAt, features: [...features], rooms, wantsTotal };
  socket.serializeAttachment(kept);
}
