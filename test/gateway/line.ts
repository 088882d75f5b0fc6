import { evictDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { onTestFinished } from "vitest";
import { connectionNamed } from "../../src/gateway/id.ts";
import { type Caller, ORIGIN } from "../support.ts";

/** A raw socket: sends texts, and keeps the texts received. */
export class Line {
  readonly received: string[] = [];
  readonly closed: Promise<number>;
  readonly socket: WebSocket;
  private waiting: (() => void)[] = [];

  constructor(response: Response) {
    if (!response.webSocket) throw new Error(`no socket, but ${response.status}`);
    this.socket = response.webSocket;
    this.socket.accept();
    this.socket.addEventListener("message", ({ data }) => {
      this.received.push(String(data));
      for (const resolve of this.waiting.splice(0)) resolve();
    });
    this.closed = new Promise((resolve) => {
      this.socket.addEventListener("close", ({ code }) => {
        resolve(code);
        for (const resolve of this.waiting.splice(0)) resolve();
      });
    });
    onTestFinished(() => this.socket.close());
  }

  say(text: string | ArrayBuffer): void {
    this.socket.send(text);
  }

  /** The first matching text, already received or later. */
  async receives(fits: (text: string) => boolean): Promise<string> {
    for (;;) {
      const found = this.received.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** Resolves once `done` returns true. */
  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}

export function get(
  path: string,
  headers: Record<string, string> = {},
  init: RequestInit = {},
  origin = ORIGIN,
) {
  return exports.default.fetch(new Request(origin + path, { headers, ...init }));
}

const UPGRADE = { Upgrade: "websocket" };
const ID_SECRET = "test-id-secret-0123456789abcdefghijk";

/** A Socket.IO connection over WebSocket only; events by name, acknowledgements by id. */
export class Io {
  readonly line: Line;
  readonly sid: string;
  private acks = 0;

  private constructor(line: Line, sid: string) {
    this.line = line;
    this.sid = sid;
  }

  static async open(origin?: string): Promise<Io> {
    const path = "/socket.io/?EIO=4&transport=websocket";
    const line = new Line(await get(path, UPGRADE, {}, origin));
    const open = await line.receives((text) => text.startsWith("0"));
    return new Io(line, JSON.parse(open.slice(1)).sid);
  }

  static async connect({ token }: Pick<Caller, "token">, origin?: string): Promise<Io> {
    const io = await Io.open(origin);
    io.line.say(`40${JSON.stringify({ token })}`);
    await io.line.receives((text) => text.startsWith("40"));
    return io;
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever the server answers
  async ask(...event: unknown[]): Promise<any> {
    const id = this.acks++;
    this.line.say(`42${id}${JSON.stringify(event)}`);
    const head = `43${id}[`;
    const answer = await this.line.receives((text) => text.startsWith(head));
    return JSON.parse(answer.slice(head.length - 1))[0];
  }

  /** The events of this name received so far. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever the server sends
  all(name: string): any[] {
    return this.line.received
      .filter((text) => text.startsWith(`42["${name}"`))
      .map((text) => JSON.parse(text.slice(2))[1]);
  }

  until(name: string, count: number): Promise<void> {
    return this.line.until(() => this.all(name).length >= count);
  }

  get object() {
    return env.SOCKETIO.getByName(connectionNamed(ID_SECRET, "socketio", this.sid) ?? "");
  }

  evict() {
    return evictDurableObject(this.object, { webSockets: "hibernate" });
  }
}

const RS = "\x1e";

/** A SignalR connection; invocations and completions. */
export class Hub {
  readonly line: Line;
  readonly id: string;
  private calls = 0;

  private constructor(line: Line, id: string) {
    this.line = line;
    this.id = id;
  }

  static async open({ token }: Pick<Caller, "token">, origin?: string): Promise<Hub> {
    const Authorization = `Bearer ${token}`;
    const path = "/hubs/chat/negotiate?negotiateVersion=1";
    const negotiated = await get(path, { Authorization }, { method: "POST" });
    const { connectionToken } = await negotiated.json<{ connectionToken: string }>();
    const url = `/hubs/chat?id=${connectionToken}`;
    const line = new Line(await get(url, { ...UPGRADE, Authorization }, {}, origin));
    return new Hub(line, connectionToken);
  }

  static async connect(caller: Pick<Caller, "token">, origin?: string): Promise<Hub> {
    const hub = await Hub.open(caller, origin);
    hub.line.say(`{"protocol":"json","version":1}${RS}`);
    await hub.line.receives((text) => text === `{}${RS}`);
    return hub;
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever the server answers
  async ask(target: string, ...args: unknown[]): Promise<any> {
    const invocationId = String(this.calls++);
    this.line.say(JSON.stringify({ type: 1, target, arguments: args, invocationId }) + RS);
    const mine = () => this.messages().find((one) => one.invocationId === invocationId);
    await this.line.until(() => mine() !== undefined);
    const { result, error } = mine() ?? {};
    return error === undefined ? result : { error };
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever the server sends
  messages(): any[] {
    return this.line.received.flatMap((text) =>
      text
        .split(RS)
        .filter(Boolean)
        .map((record) => JSON.parse(record)),
    );
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever the server sends
  all(method: string): any[] {
    return this.messages().flatMap((one) => (one.target === method ? one.arguments : []));
  }

  until(method: string, count: number): Promise<void> {
    return this.line.until(() => this.all(method).length >= count);
  }

  get object() {
    return env.SIGNALR.getByName(connectionNamed(ID_SECRET, "signalr", this.id) ?? "");
  }

  evict() {
    return evictDurableObject(this.object, { webSockets: "hibernate" });
  }
}
