import { runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { onTestFinished } from "vitest";
import { z } from "zod";
import type { ServerEvent } from "../../src/live/events.ts";
import { closedEvent, conversationWrapper } from "../../src/live/inbox-events.ts";
import { PROTOCOL } from "../../src/live/version.ts";
import { type Caller, ORIGIN, objectOf } from "../support.ts";

const own = z.looseObject({ type: z.enum(["hello", "inbox", "ack", "error", "settings"]) });
const line = z.discriminatedUnion("type", [conversationWrapper, closedEvent]).or(own);

type EventOf<Type extends ServerEvent["type"]> = Extract<ServerEvent, { type: Type }>;
type Closed = z.infer<typeof closedEvent>;

/** An inbox socket over which conversations are opened. */
export class RoomsSocket {
  /** What came of the inbox itself. */
  readonly own: z.infer<typeof own>[] = [];
  /** Every line that came, as text. */
  readonly lines: string[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  private readonly socket: WebSocket;
  private readonly rooms = new Map<string, OpenRoom>();
  private waiting: (() => void)[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.accept();
    socket.addEventListener("message", ({ data }) => {
      if (data !== "pong") for (const text of String(data).split("\n")) this.take(text);
      this.wake();
    });
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => {
        resolve({ code, reason });
        this.wake();
      });
    });
  }

  /** Opens a conversation; resolves once it is live, or closed. */
  async open(conversationId: string, more: { since?: number; epoch?: string } = {}) {
    const room = this.start(conversationId, more);
    await this.until(() => room.isLive || room.end !== undefined);
    return room;
  }

  /** Opens a conversation without waiting for the answer. */
  start(conversationId: string, more: { since?: number; epoch?: string } = {}): OpenRoom {
    const room = new OpenRoom(this, conversationId);
    this.rooms.set(conversationId, room);
    this.send({ op: "open", id: `open ${conversationId}`, conversationId, ...more });
    return room;
  }

  send(frame: object | string): void {
    this.socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  close(): void {
    this.socket.close(1_000);
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private take(text: string): void {
    this.lines.push(text);
    const event = line.parse(JSON.parse(text));
    if (event.type === "conversation" && "event" in event) {
      this.rooms.get(event.conversationId)?.take(conversationWrapper.parse(event), text);
    } else if (event.type === "closed") {
      this.rooms.get(String(event["conversationId"]))?.ended(closedEvent.parse(event));
    } else this.own.push(own.parse(event));
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** A conversation that is open over an inbox socket. */
export class OpenRoom {
  readonly events: ServerEvent[] = [];
  /** The events as text, without what is around them. */
  readonly lines: string[] = [];
  readonly ids: unknown[] = [];
  readonly conversationId: string;
  end: Closed | undefined;
  isLive = false;
  /** Whether it requests the following pages by itself. */
  asksForPages = true;
  private readonly socket: RoomsSocket;
  private taken = 0;

  constructor(socket: RoomsSocket, conversationId: string) {
    this.socket = socket;
    this.conversationId = conversationId;
  }

  take({ event, id }: z.infer<typeof conversationWrapper>, text: string): void {
    if (this.end) throw new Error(`after closed: ${text}`);
    const name = JSON.stringify(this.conversationId);
    const answers = id === undefined ? "" : `,"id":${JSON.stringify(id)}`;
    const head = `{"type":"conversation","conversationId":${name}${answers},"event":`;
    this.lines.push(text.slice(head.length, -1));
    this.events.push(JSON.parse(this.lines.at(-1) ?? ""));
    this.ids.push(id);
    if (event.type !== "sync" || event.to === undefined) return;
    if (!event.more) this.isLive = true;
    else if (this.asksForPages) this.send({ op: "sync", since: event.to });
  }

  ended(closed: Closed): void {
    this.end = closed;
  }

  send(frame: object): void {
    this.socket.send({ ...frame, conversationId: this.conversationId });
  }

  /** The next matching event, already received or later; earlier events are skipped. */
  async next<Type extends ServerEvent["type"]>(
    type: Type,
    fits: (event: EventOf<Type>) => boolean = () => true,
  ): Promise<EventOf<Type>> {
    for (;;) {
      while (this.taken < this.events.length) {
        const event = this.events[this.taken++];
        if (event?.type === type && fits(event as EventOf<Type>)) return event as EventOf<Type>;
      }
      const received = this.events.length;
      await this.socket.until(() => this.events.length > received || this.end !== undefined);
      if (this.end && this.events.length === received) throw new Error(`closed: ${this.end.code}`);
    }
  }

  all<Type extends ServerEvent["type"]>(type: Type): EventOf<Type>[] {
    return this.events.filter((event): event is EventOf<Type> => event.type === type);
  }

  until(done: () => boolean): Promise<void> {
    return this.socket.until(done);
  }
}

/** Opens an inbox socket, and closes it when the test ends. */
export async function openRooms(caller: Caller, query = ""): Promise<RoomsSocket> {
  const response = await exports.default.fetch(
    new Request(`${ORIGIN}/live${query}`, {
      headers: {
        Upgrade: "websocket",
        Authorization: `Bearer ${caller.token}`,
        "Sec-WebSocket-Protocol": PROTOCOL,
      },
    }),
  );
  if (!response.webSocket) throw new Error(`no socket, but ${response.status}`);
  const socket = new RoomsSocket(response.webSocket);
  onTestFinished(() => socket.close());
  return socket;
}

/** Whose gateways and inboxes are subscribed to a conversation. */
export function subscribers(conversationId: string): Promise<unknown[]> {
  return runInDurableObject(objectOf(conversationId), (_, { storage: { sql } }) =>
    sql
      .exec("SELECT user_id FROM listeners ORDER BY user_id")
      .toArray()
      .map((row) => row["user_id"]),
  );
}

/** Loses a conversation's next call to a gateway or inbox, without its knowing. */
export function loseNextCall(conversationId: string): Promise<void> {
  return runInDurableObject(objectOf(conversationId), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: replaces a private method
    const { subscribers } = (object as any).open;
    const { call } = subscribers;
    subscribers.call = async () => {
      subscribers.call = call;
    };
  });
}
