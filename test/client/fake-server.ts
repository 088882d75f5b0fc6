import type { SocketLike } from "../../src/client/connection.ts";
import { Parley } from "../../src/client/parley.ts";
import { conversationIdOf, messageIdOf } from "../../src/domain/id.ts";
import type { ServerEvent, WireMessage } from "../../src/live/events.ts";

/** A server that sends what a test tells it to, and records what it receives. */

export const CONVERSATION = conversationIdOf(new Uint8Array(11).fill(7));
const NOW = "2026-01-01T00:00:00.000Z";

type Listeners = { [Type in "open" | "message" | "close"]?: (event: never) => void };

export class FakeSocket implements SocketLike {
  readonly url: string;
  readonly protocols: string[];
  readonly sent: string[] = [];
  isClosed = false;
  /** As in browsers: 1 while it is open. */
  readyState = 1;
  private readonly listeners: Listeners = {};

  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  send(data: string): void {
    this.sent.push(data);
  }

  close(): void {
    this.isClosed = true;
  }

  addEventListener(
    type: "open" | "message" | "close" | "error",
    listener: (event: never) => void,
  ): void {
    if (type !== "error") this.listeners[type] = listener;
  }

  /** Reports the socket as accepted. */
  open(): void {
    this.listeners.open?.({} as never);
  }

  /** The received commands, without pings. */
  get asked(): Record<string, unknown>[] {
    return this.sent.filter((frame) => frame !== "ping").map((frame) => JSON.parse(frame));
  }

  say(...events: (object | string)[]): void {
    const data = events.map((e) => (typeof e === "string" ? e : JSON.stringify(e))).join("\n");
    this.listeners.message?.({ data } as never);
  }

  end(code: number, reason = ""): void {
    this.listeners.close?.({ code, reason } as never);
  }

  /** Sends `hello` and a complete page. */
  greet(rev = 0, messages: WireMessage[] = [], more: Partial<EventOf<"sync">> = {}): void {
    this.say(hello(rev), sync(rev, messages, more));
  }
}

type EventOf<Type extends ServerEvent["type"]> = Extract<ServerEvent, { type: Type }>;

export function hello(rev: number, unread = 0): EventOf<"hello"> {
  return {
    ...{ type: "hello", protocol: "parley.v1", epoch: "e1", rev, online: ["me"] },
    you: { userId: "me", role: "member", unread },
    conversation: conversation(0),
    limits: {
      ...{ messagesPerMinute: 100, contentLength: 2_000, attachments: 10 },
      ...{ frameBytes: 65_536, editWindowMs: 900_000 },
    },
    reconnectAfterMs: 1_000,
  };
}

export function sync(
  to: number,
  messages: WireMessage[] = [],
  more: Partial<EventOf<"sync">> = {},
): EventOf<"sync"> {
  return {
    ...{ type: "sync", from: 0, to, messages, reads: [], conversation: null, more: false },
    members: [member("me")],
    ...more,
  };
}

export function member(userId: string): EventOf<"member">["member"] {
  return {
    ...{ userId, name: null, avatarUrl: null, role: "member", joinedAt: NOW, leftAt: null },
    rev: 1,
  };
}

function conversation(lastNumber: number): EventOf<"conversation">["conversation"] {
  return {
    ...{ id: CONVERSATION, kind: "group", title: null, description: null, visibility: "private" },
    ...{ createdBy: "me", createdAt: NOW, archivedAt: null, memberCount: 2, lastNumber, rev: 1 },
  };
}

export function message(number: number, rev: number, more: Partial<WireMessage> = {}): WireMessage {
  return {
    ...{ id: messageIdOf(CONVERSATION, number), number, rev, senderId: "you", kind: "text" },
    ...{ content: `${number}`, createdAt: NOW, editedAt: null, deletedAt: null, replyTo: null },
    ...{ attachments: [], reactions: [], metadata: null, clientMessageId: null },
    ...more,
  };
}

export function created(number: number, rev: number, more: Partial<WireMessage> = {}) {
  const event: ServerEvent = {
    ...{ type: "message", rev, cause: "created" },
    message: message(number, rev, more),
  };
  return event;
}

/** A client with fake sockets; jitter always returns the longest wait. */
export function client(token: () => string | Promise<string> = () => "t1") {
  const sockets: FakeSocket[] = [];
  const parley = new Parley({
    url: "https://parley.test",
    token,
    random: () => 1,
    openSocket: (url, protocols) => {
      const socket = new FakeSocket(url, protocols);
      sockets.push(socket);
      return socket;
    },
  });
  const socket = async (index: number): Promise<FakeSocket> => {
    for (let turn = 0; turn < 20 && !sockets[index]; turn++) await Promise.resolve();
    const found = sockets[index];
    if (!found) throw new Error(`no socket ${index}`);
    return found;
  };
  return { parley, sockets, socket };
}

/** A conversation of such a client, connected. */
export function connected(token?: () => string | Promise<string>) {
  const { parley, sockets, socket } = client(token);
  const conversation = parley.conversation(CONVERSATION).connect();
  return { conversation, sockets, socket };
}
