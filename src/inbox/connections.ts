import { z } from "zod";
import { type ConnectionIdentity, identitySchema } from "../conversation/identity.ts";
import { close } from "../conversation/outbound/sockets/socket.ts";
import { SocketBudget } from "../conversation/outbound/sockets/socket-budget.ts";
import { CLOSE, FEATURES, type Feature, SILENCE_MS } from "../live/version.ts";

/** What is stored of a connection while the object hibernates. */
const stored = z.object({
  identity: identitySchema,
  openedAt: z.number(),
  features: z.array(z.enum(FEATURES)).catch([]),
  rooms: z.string().default(""),
});
type Stored = z.infer<typeof stored>;

/** How often an inbox that is called looks for silent sockets. */
const REAP_EVERY_MS = 30_000;

/** A socket of an inbox. */
export interface Connection {
  readonly socket: WebSocket;
  readonly identity: ConnectionIdentity;
  readonly openedAt: number;
  /** What the client asked for beyond the first version of the protocol. */
  readonly features: readonly Feature[];
  /** The conversations that are open over it, as they are stored; see `kept-rooms.ts`. */
  rooms: string;
  readonly budget: SocketBudget;
  /** When it last sent something other than a ping; after a wake, when it was opened. */
  lastFrameAt: number;
  /** Frames that wait for `hello`, which is the first; `undefined`: it was sent. */
  waiting: string[] | undefined;
}

/** The open sockets of one user's inbox. */
export class Connections {
  private readonly ctx: DurableObjectState;
  private readonly clock: () => number;
  private readonly onLeft: (connection: Connection) => void;
  private reapedAt: number;
  private readonly bySocket = new Map<WebSocket, Connection>();

  /** `onLeft`: a socket has ended. */
  constructor(
    ctx: DurableObjectState,
    clock: () => number,
    onLeft: (connection: Connection) => void,
  ) {
    this.ctx = ctx;
    this.clock = clock;
    this.onLeft = onLeft;
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

  /** All of them, as of now. */
  all(): Connection[] {
    return [...this.bySocket.values()];
  }

  of(socket: WebSocket): Connection | undefined {
    return this.bySocket.get(socket);
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
  ): Connection {
    this.ctx.acceptWebSocket(socket);
    const connection = newConnection(socket, {
      ...{ identity, openedAt: this.clock(), features: [...features], rooms: "" },
    });
    store(connection);
    connection.waiting = [];
    this.bySocket.set(socket, connection);
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
    const isFirst = this.bySocket.delete(socket);
    if (code !== undefined) {
      // A client that never answers the close leaves the socket among the object's.
      socket.serializeAttachment(null);
      close(socket, code, reason);
    }
    if (isFirst) this.onLeft(connection);
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
      const { socket, lastFrameAt } = connection;
      const pinged = this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
      if (now - Math.max(pinged, lastFrameAt) <= SILENCE_MS) continue;
      this.leave(connection, CLOSE.goingAway, "nothing received for 90 seconds");
    }
  }

  private restore(socket: WebSocket, kept: Stored): void {
    this.bySocket.set(socket, newConnection(socket, kept));
  }
}

function newConnection(
  socket: WebSocket,
  { identity, openedAt, features, rooms }: Stored,
): Connection {
  return {
    ...{ socket, identity, openedAt, features, rooms },
    budget: new SocketBudget(),
    lastFrameAt: openedAt,
    waiting: undefined,
  };
}

function store({ socket, identity, openedAt, features, rooms }: Connection): void {
  const kept: Stored = { identity, openedAt, features: [...features], rooms };
  socket.serializeAttachment(kept);
}
