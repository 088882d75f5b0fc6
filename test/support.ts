import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { SignJWT } from "jose";
import { onTestFinished } from "vitest";
import type { ServerEvent } from "../src/live/events.ts";
import { PROTOCOL } from "../src/live/version.ts";
import { Reference } from "./reference.ts";

/** Helpers that call the running Worker as clients do: over HTTP and sockets. */

export const ORIGIN = "https://parley.test";
const SECRET = "test-jwt-secret-0123456789abcdefghij";

export interface TokenOptions {
  secret?: string;
  name?: string;
  role?: string | string[];
  /** Seconds from now. */
  expiresIn?: number;
  claims?: Record<string, unknown>;
}

export function tokenFor(userId: string, options: TokenOptions = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({
    ...(options.name && { name: options.name }),
    ...(options.role && { role: options.role }),
    ...options.claims,
  })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(userId)
    .setExpirationTime(now + (options.expiresIn ?? 3_600))
    .sign(new TextEncoder().encode(options.secret ?? SECRET));
}

let people = 0;
/** A user id that no other test uses. */
export function someone(name = "user"): string {
  return `${name}-${++people}-${crypto.randomUUID().slice(0, 8)}`;
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever the server answers
  body: any;
}

/** A user with a token, who calls the API. */
export class Caller {
  readonly userId: string;
  readonly token: string;

  constructor(userId: string, token: string) {
    this.userId = userId;
    this.token = token;
  }

  get(path: string, headers: HeadersInit = {}): Promise<Answer> {
    return this.call("GET", path, undefined, headers);
  }

  post(path: string, body?: unknown, headers: HeadersInit = {}): Promise<Answer> {
    return this.call("POST", path, body, headers);
  }

  put(path: string, body?: unknown, headers: HeadersInit = {}): Promise<Answer> {
    return this.call("PUT", path, body, headers);
  }

  patch(path: string, body?: unknown, headers: HeadersInit = {}): Promise<Answer> {
    return this.call("PATCH", path, body, headers);
  }

  delete(path: string, body?: unknown, headers: HeadersInit = {}): Promise<Answer> {
    return this.call("DELETE", path, body, headers);
  }

  private call(method: string, path: string, body: unknown, headers: HeadersInit) {
    return fetchJson(path, {
      method,
      headers: {
        Authorization: `Bearer ${this.token}`,
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }
}

export async function fetchJson(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await exports.default.fetch(new Request(ORIGIN + path, init));
  const text = await response.text();
  const body = text === "" ? undefined : JSON.parse(text);
  const { status, headers } = response;
  const method = init.method ?? "GET";
  if (isDescribed(method, path)) {
    reference ??= exports.default
      .fetch(`${ORIGIN}/openapi.json`)
      .then(async (served) => new Reference(await served.json()));
    const breach = (await reference).breachOf(method, path, status, body);
    if (breach) throw new Error(breach);
  }
  return { status, headers, body };
}

let reference: Promise<Reference> | undefined;

/** Whether the reference describes this route. */
function isDescribed(method: string, path: string): boolean {
  return method !== "OPTIONS" && method !== "HEAD" && path.startsWith("/api/");
}

/** A known user, who has made a request. */
export async function person(name = "user", options: TokenOptions = {}): Promise<Caller> {
  const userId = someone(name);
  const caller = new Caller(userId, await tokenFor(userId, options));
  await caller.get("/api/v1/chat/conversations");
  return caller;
}

/** Two people and their direct conversation. */
export async function directPair(): Promise<{
  alice: Caller;
  bob: Caller;
  conversationId: string;
}> {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const { body } = await alice.post("/api/v1/chat/conversations/direct", {
    otherUserId: bob.userId,
  });
  return { alice, bob, conversationId: body.conversationId };
}

/** A group of which the first is the owner. */
export async function groupOf(...members: Caller[]): Promise<string> {
  const [owner, ...others] = members;
  if (!owner) throw new Error("a group needs an owner");
  const participantIds = others.map((other) => other.userId);
  const answer = await owner.post("/api/v1/chat/conversations/group", {
    title: "Group",
    participantIds: participantIds.length > 1 ? participantIds : [owner.userId, ...participantIds],
  });
  return answer.body.conversationId;
}

export function send(caller: Caller, conversationId: string, content: string, more = {}) {
  return caller.post("/api/v1/chat/messages", { conversationId, content, ...more });
}

/** A stub of a conversation's object, for access to its internals. */
export function objectOf(conversationId: string) {
  return env.CONVERSATIONS.getByName(conversationId);
}

/** Evicts a conversation's object, which may have been evicted before; sockets are kept unless closed. */
export async function evict(
  conversationId: string,
  options?: Parameters<typeof evictDurableObject>[1],
): Promise<void> {
  // One that is not running cannot be evicted.
  await runInDurableObject(objectOf(conversationId), () => undefined);
  await evictDurableObject(objectOf(conversationId), options);
}

/**
 * Fires the alarms of a conversation, each as soon as it is set, until none is: consumers of its commits
 * have separate deadlines. At most ten.
 */
export async function fireAlarms(conversationId: string): Promise<void> {
  for (let i = 0; i < 10; i++) {
    if (!(await runDurableObjectAlarm(objectOf(conversationId)))) return;
  }
}

type EventOf<Type extends ServerEvent["type"]> = Extract<ServerEvent, { type: Type }>;

/** A socket that keeps what it receives, by frame and by event. */
export class Socket {
  readonly frames: string[] = [];
  readonly events: ServerEvent[] = [];
  readonly response: Response;
  readonly closed: Promise<{ code: number; reason: string }>;
  private readonly socket: WebSocket;
  private waiting: (() => void)[] = [];
  private taken = 0;

  constructor(response: Response) {
    this.response = response;
    if (!response.webSocket) throw new Error(`no socket, but ${response.status}`);
    this.socket = response.webSocket;
    this.socket.accept();
    this.socket.addEventListener("message", ({ data }) => {
      const frame = String(data);
      this.frames.push(frame);
      if (frame !== "pong") {
        for (const line of frame.split("\n")) this.events.push(JSON.parse(line));
      }
      this.wake();
    });
    this.closed = new Promise((resolve) => {
      this.socket.addEventListener("close", ({ code, reason }) => {
        resolve({ code, reason });
        this.wake();
      });
    });
  }

  /** Sends an object as JSON, or data unchanged. */
  send(frame: object | string | ArrayBuffer): void {
    this.socket.send(
      typeof frame === "string" || frame instanceof ArrayBuffer ? frame : JSON.stringify(frame),
    );
  }

  close(code?: number): void {
    this.socket.close(code);
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
      await this.nextFrame();
    }
  }

  /** The events of this type received so far. */
  all<Type extends ServerEvent["type"]>(type: Type): EventOf<Type>[] {
    return this.events.filter((event): event is EventOf<Type> => event.type === type);
  }

  /** Resolves once `done` returns true; it is called after each event. */
  async until(done: () => boolean): Promise<void> {
    while (!done()) await this.nextFrame();
  }

  private nextFrame(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** Opens a socket and closes it when the test ends. */
export async function open(
  caller: Caller,
  conversationId: string,
  query = "",
  headers: Record<string, string> = {},
): Promise<Socket> {
  const response = await exports.default.fetch(
    new Request(`${ORIGIN}/live/${conversationId}${query}`, {
      headers: {
        Upgrade: "websocket",
        Authorization: `Bearer ${caller.token}`,
        "Sec-WebSocket-Protocol": PROTOCOL,
        ...headers,
      },
    }),
  );
  const socket = new Socket(response);
  onTestFinished(() => socket.close());
  return socket;
}

/** A socket that is live: `hello` and the first `sync` have been received. */
export async function openLive(caller: Caller, conversationId: string, query = "") {
  const socket = await open(caller, conversationId, query);
  await socket.next("sync");
  return socket;
}

/** A channel of which `owner` is the owner and `members` are members. */
export async function channelOf(
  owner: Caller,
  members: readonly Caller[] = [],
  more: { isPublic?: boolean; name?: string } = {},
): Promise<string> {
  const { body } = await owner.post("/api/v1/chat/channels", {
    name: "Channel",
    isPublic: true,
    ...more,
  });
  const channel = `/api/v1/chat/channels/${body.channelId}`;
  for (const member of members) {
    if (more.isPublic === false) {
      await owner.post(`${channel}/invitations`, { userId: member.userId });
    }
    await member.post(`${channel}/join`);
  }
  return body.channelId;
}

/** A member's unread count, according to the conversation's object. */
export async function unreadOf(caller: Caller, conversationId: string): Promise<number> {
  const socket = await open(caller, conversationId);
  const hello = await socket.next("hello");
  socket.close(1_000);
  return hello.you.unread;
}
