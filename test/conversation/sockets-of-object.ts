import { runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { EventLines } from "../../src/conversation/outbound/event-lines.ts";
import type { Session } from "../../src/conversation/outbound/sockets/session.ts";
import { Sessions } from "../../src/conversation/outbound/sockets/sessions.ts";
import { NOBODY_HIDDEN } from "../../src/domain/hides.ts";
import { conversationIdOf } from "../../src/domain/id.ts";
import type { ServerEvent } from "../../src/live/events.ts";
import type { Feature } from "../../src/live/version.ts";
import { objectOf } from "../support.ts";

/** What marks the end of the frames that a test looks at. */
const END = "end";

/** A client's end of a socket, and its session. */
export class Peer {
  readonly session: Session;
  readonly closed: Promise<[code: number, reason: string]>;
  private readonly client: WebSocket;
  private readonly frames: string[] = [];
  private waiting: (() => void)[] = [];

  constructor(sessions: Sessions, userId: string, origin: string, features: readonly Feature[]) {
    const { 0: client, 1: server } = new WebSocketPair();
    this.client = client;
    client.addEventListener("message", ({ data }) => {
      this.frames.push(String(data));
      for (const resolve of this.waiting.splice(0)) resolve();
    });
    this.closed = new Promise((resolve) => {
      client.addEventListener("close", ({ code, reason }) => resolve([code, reason]));
    });
    const seat = { userId, name: null, avatarUrl: null, role: "user", origin } as const;
    this.session = sessions.accept(server, { ...seat, expiresAt: Number.MAX_VALUE }, features);
    client.accept();
  }

  /** Lets the token of its person expire at a time. */
  expireAt(time: number): void {
    Object.assign(this.session.identity, { expiresAt: time });
  }

  /** As if it had sent a frame at a time. */
  spoke(time: number): void {
    this.session.lastFrameAt = time;
  }

  /** Sends a ping, which the runtime answers without waking anybody. */
  async ping(): Promise<void> {
    this.client.send("ping");
    await this.until("pong");
  }

  /** The frames received since the last call, ended by a marker that the socket sends. */
  async received(): Promise<string[]> {
    this.session.socket.send(END);
    return this.until(END);
  }

  /** The same as events; each frame is a list of them. */
  async events(): Promise<ServerEvent[][]> {
    const frames = await this.received();
    return frames.map((frame) => frame.split("\n").map((line) => JSON.parse(line)));
  }

  /** Resolves once a frame has come, to those before it. */
  private async until(last: string): Promise<string[]> {
    while (this.frames.at(-1) !== last) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    return this.frames.splice(0).slice(0, -1);
  }
}

/** Sessions over the real sockets of an object. */
export class Room {
  readonly ctx: DurableObjectState;
  clock = Date.now();
  /** Whether the conversation is large. */
  quiet = false;
  /** Who is online by a gateway, and what gateways were passed. */
  readonly elsewhere = new Set<string>();
  readonly passed: [event: ServerEvent, exceptUserId: string][] = [];
  presenceDelayMs = 0;
  sessions: Sessions;

  constructor(ctx: DurableObjectState) {
    this.ctx = ctx;
    this.sessions = this.wake();
  }

  /** Restores the sessions from the open sockets, as an object does after hibernation. */
  wake(): Sessions {
    this.sessions = new Sessions({
      ctx: this.ctx,
      clock: () => this.clock,
      quiet: () => this.quiet,
      elsewhere: {
        has: (userId) => this.elsewhere.has(userId),
        userIds: () => [...this.elsewhere],
        isShown: () => true,
        deliverEphemeral: (line, except) => void this.passed.push([JSON.parse(line), except]),
        deliverTo: () => undefined,
      },
      visibleOf: () => true,
      isElsewhere: () => false,
      isVisible: () => true,
      mayFollow: () => true,
      hidesOf: () => NOBODY_HIDDEN,
      presenceDelayMs: this.presenceDelayMs,
      onSockets: () => undefined,
      onOpened: () => undefined,
    });
    return this.sessions;
  }

  /** A user's socket that is not live yet. */
  enter(userId: string, features: readonly Feature[] = []): Peer {
    return new Peer(this.sessions, userId, "https://a.test", features);
  }

  /** A user's live socket; frames until then are dropped. */
  async live(userId: string, features: readonly Feature[] = []): Promise<Peer> {
    const peer = this.enter(userId, features);
    this.sessions.goLive(peer.session);
    await peer.received();
    return peer;
  }

  /** The session that a socket has after a wake. */
  again(peer: Peer): Session | undefined {
    return this.sessions.of(peer.session.socket);
  }
}

/** Runs a test within an object that has never been used. */
export function withRoom(action: (room: Room) => Promise<void>): Promise<void> {
  const name = conversationIdOf(crypto.getRandomValues(new Uint8Array(11)));
  return runInDurableObject(objectOf(name), (_, ctx) => action(new Room(ctx)));
}

/** A presence event of a user. */
export function presence(userId: string, online: boolean) {
  return { type: "presence", userId, online, lastSeenAt: expect.any(String) };
}

/** Two events of a commit, of which the second has a shorter form. */
export function twoEvents(): EventLines {
  const lines = noEvents();
  lines.add(() => typing("one", true));
  lines.add(() => typing("two", true), typing("two", false));
  return lines;
}

/** The events of a commit that has none. */
export function noEvents(): EventLines {
  return new EventLines(() => () => "link", undefined);
}

/** An event that is easy to distinguish. */
export function typing(userId: string, active: boolean): ServerEvent {
  return { type: "typing", userId, active, expiresInMs: 0 };
}
