import type { Batch } from "../conversation/outbound/subscribers/gateway-api.ts";
import type { ConnectionPresence } from "../domain/presence.ts";
import { withinRate } from "../edge/limiter.ts";
import type { Env, Settings } from "../env.ts";
import { ConversationStubs } from "../gateway/conversation-stubs.ts";
import { MAX_ROOMS } from "../gateway/limits.ts";
import { MAX_SOCKETS_PER_USER } from "../live/version.ts";
import { log } from "../logging.ts";
import type { Connection, Connections } from "./connections.ts";
import { WrappedFrames } from "./room-wire.ts";
import { Rooms } from "./rooms.ts";

export interface OpenRoomsOptions {
  env: Env;
  settings: Settings;
  connections: Connections;
  /** What conversations are told of the user's presence. */
  presence: () => ConnectionPresence;
  waitUntil: (work: Promise<unknown>) => void;
}

/**
 * The conversations that are open over the sockets of one inbox. The inbox is subscribed to each of them
 * once, however many of its sockets have it open, and passes on what comes to these.
 */
export class OpenRooms {
  private readonly options: OpenRoomsOptions;
  private readonly stubs: ConversationStubs;
  private readonly frames = new WrappedFrames();
  private readonly byConnection = new Map<Connection, Rooms>();

  constructor(options: OpenRoomsOptions) {
    this.options = options;
    this.stubs = new ConversationStubs(options.env, MAX_ROOMS * MAX_SOCKETS_PER_USER);
    for (const connection of options.connections.all()) {
      if (connection.rooms !== "") this.of(connection);
    }
  }

  /** The conversations that are open over a socket. */
  of(connection: Connection): Rooms {
    const known = this.byConnection.get(connection);
    if (known) return known;
    const rooms = this.roomsOf(connection);
    this.byConnection.set(connection, rooms);
    return rooms;
  }

  /** Conversations that are open over any socket. */
  conversationIds(): string[] {
    return [
      ...new Set([...this.byConnection.values()].flatMap((rooms) => rooms.conversationIds())),
    ];
  }

  /** A socket has ended. */
  left(connection: Connection): void {
    const rooms = this.byConnection.get(connection);
    this.byConnection.delete(connection);
    rooms?.endAll();
  }

  /** Takes what a commit changed; false where the conversation is open on no socket. */
  deliver(gateway: string, batch: Batch): boolean {
    return this.some((rooms) => rooms.deliver(gateway, batch));
  }

  /** Takes an event without a revision; false as above. */
  deliverEphemeral(gateway: string, conversationId: string, line: string): boolean {
    return this.some((rooms) => rooms.deliverEphemeral(gateway, conversationId, line));
  }

  isSubscribed(gateway: string, conversationId: string): boolean {
    return this.some((rooms) => rooms.isSubscribed(gateway, conversationId));
  }

  /** Asks every socket, and whether any of them said yes. */
  private some(ask: (rooms: Rooms) => boolean): boolean {
    this.options.connections.reap();
    return [...this.byConnection.values()].filter(ask).length > 0;
  }

  private roomsOf(connection: Connection): Rooms {
    const { connections, settings, presence } = this.options;
    const { identity } = connection;
    return new Rooms({
      ...{ connection, presence },
      origin: settings.PUBLIC_URL ?? identity.origin,
      call: (id, question) => this.stubs.call(id, question),
      mayOpen: async (id) => {
        if (!settings.REQUEST_LIMITS || identity.role === "admin") return true;
        return withinRate(this.options.env.LIMIT_UPGRADES, `${identity.userId} ${id}`);
      },
      send: (frame) => connections.send(connection, frame),
      frameOf: (id, lines) => this.frames.of(id, lines),
      onAbuse: (code, reason) => connections.leave(connection, code, reason),
      onReleased: (id, gateway) => this.unsubscribe(id, gateway),
      keep: (rooms) => connections.keep(connection, rooms),
    });
  }

  /** Unsubscribes from a conversation that is open on no other socket. */
  private unsubscribe(conversationId: string, gateway: string): void {
    for (const rooms of this.byConnection.values()) {
      if (rooms.isSubscribed(gateway, conversationId)) return;
    }
    const unsubscribed = this.stubs
      .call(conversationId, (stub) => stub.unsubscribe(gateway))
      .catch((error) => log("call_failed", { conversationId, error }));
    this.options.waitUntil(unsubscribed);
  }
}
