import { z } from "zod";
import { type ServerEvent, serverEvent, type WireMessage } from "../../src/live/events.ts";
import { BEARER_PREFIX, PROTOCOL } from "../../src/live/version.ts";

/** A client of a running server, which uses only its public address. */

const created = z.object({ conversationId: z.string() });
const sent = z.object({
  messageId: z.string(),
  sentAt: z.iso.datetime(),
  deduplicated: z.literal(true).optional(),
});
const message = z.object({
  messageId: z.string(),
  conversationId: z.string(),
  senderId: z.string().nullable(),
  content: z.string(),
  sentAt: z.iso.datetime(),
});
const page = z.object({ items: z.array(message), totalCount: z.number(), totalPages: z.number() });
const inbox = z.array(
  z.object({
    conversationId: z.string(),
    lastMessage: message.nullable(),
    unreadCount: z.number(),
  }),
);

export type Sent = z.infer<typeof sent>;
export type Message = z.infer<typeof message>;

/** A user with a token. */
export interface Person {
  userId: string;
  token: string;
}

/** The REST API, used by one user. */
export class Rest {
  private readonly address: string;
  private readonly person: Person;

  constructor(address: string, person: Person) {
    this.address = address;
    this.person = person;
  }

  async conversations() {
    return inbox.parse(await this.call("GET", "/conversations"));
  }

  async group(title: string, participantIds: readonly string[]): Promise<string> {
    const answer = await this.call("POST", "/conversations/group", { title, participantIds });
    return created.parse(answer).conversationId;
  }

  async add(conversationId: string, participantId: string): Promise<void> {
    await this.call("POST", `/conversations/${conversationId}/participants`, { participantId });
  }

  async remove(conversationId: string, participantId: string): Promise<void> {
    await this.call("DELETE", `/conversations/${conversationId}/participants/${participantId}`);
  }

  async send(conversationId: string, content: string, clientMessageId: string): Promise<Sent> {
    const body = { conversationId, content, clientMessageId };
    return sent.parse(await this.call("POST", "/messages", body));
  }

  /** Every message, oldest first, page by page. */
  async history(conversationId: string): Promise<Message[]> {
    const newestFirst: Message[] = [];
    for (let number = 1, pages = 1; number <= pages; number++) {
      const query = `?conversationId=${conversationId}&page=${number}&pageSize=100`;
      const { items, totalPages } = page.parse(await this.call("GET", `/messages${query}`));
      newestFirst.push(...items);
      pages = totalPages;
    }
    return newestFirst.reverse();
  }

  private async call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.address}/api/v1/chat${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.person.token}`,
        ...(body && { "Content-Type": "application/json" }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}

/** The last revision that a client has applied, and its epoch. */
export interface Cursor {
  epoch: string;
  rev: number;
}

type EventOf<Type extends ServerEvent["type"]> = Extract<ServerEvent, { type: Type }>;

/** A socket that catches up, becomes live, and keeps the events received. */
export class Live {
  readonly events: ServerEvent[] = [];
  readonly closed: Promise<void>;
  private readonly socket: WebSocket;
  private waiting: (() => void)[] = [];
  private broken: Error | undefined;

  private constructor(address: string, conversationId: string, { token }: Person, from?: Cursor) {
    const url = new URL(`/live/${conversationId}`, address.replace(/^http/, "ws"));
    if (from) {
      url.searchParams.set("since", String(from.rev));
      url.searchParams.set("epoch", from.epoch);
    }
    this.socket = new WebSocket(url, [PROTOCOL, `${BEARER_PREFIX}${token}`]);
    this.socket.addEventListener("message", ({ data }) => this.receive(String(data)));
    this.closed = new Promise((resolve) => {
      this.socket.addEventListener("close", ({ code, reason }) => {
        this.broken ??= new Error(`closed: ${code} ${reason}`);
        this.wake();
        resolve();
      });
    });
  }

  /** Opens a socket and resolves once it is live. */
  static async open(address: string, conversationId: string, person: Person, from?: Cursor) {
    const live = new Live(address, conversationId, person, from);
    await live.until(() => live.all("sync").some((sync) => !sync.more));
    return live;
  }

  /** Sends a message; its `ack` has the `clientMessageId` as `id`. */
  send(content: string, clientMessageId: string): void {
    this.socket.send(JSON.stringify({ op: "send", id: clientMessageId, content, clientMessageId }));
  }

  /** The events of this type received so far. */
  all<Type extends ServerEvent["type"]>(type: Type): EventOf<Type>[] {
    return this.events.filter((event): event is EventOf<Type> => event.type === type);
  }

  /** The messages received while live, in order. */
  heard(): WireMessage[] {
    return this.all("message").map((event) => event.message);
  }

  /** The messages received during catch-up. */
  caughtUp(): WireMessage[] {
    return this.all("sync").flatMap((sync) => sync.messages);
  }

  /** The cursor from which to resume. */
  cursor(): Cursor {
    const [hello] = this.all("hello");
    if (!hello) throw new Error("no hello yet");
    const synced = this.all("sync").map((sync) => sync.to ?? 0);
    const rev = Math.max(...synced, ...this.heard().map((message) => message.rev));
    return { epoch: hello.epoch, rev };
  }

  /**
   * Resolves once `done` returns true; rejects if the server sends an error or the socket closes
   * before.
   */
  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      if (this.broken) throw this.broken;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  close(): void {
    this.socket.close();
  }

  private receive(frame: string): void {
    for (const line of frame.split("\n")) {
      const parsed = serverEvent.safeParse(JSON.parse(line));
      if (!parsed.success) {
        this.broken = new Error(`not of the protocol: ${line}`, { cause: parsed.error });
        continue;
      }
      const event = parsed.data;
      this.events.push(event);
      if (event.type === "error") this.broken = new Error(`refused: ${line}`);
      if (event.type === "sync" && event.more) {
        this.socket.send(JSON.stringify({ op: "sync", since: event.to }));
      }
    }
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
