import { WebSocket } from "ws";
import { type Dialect, PING_EVERY_MS } from "./dialects.ts";

/** The number of senders in a crowd; the others only receive. */
const TALKERS = 4;

/** The result of one load measurement. */
export interface Stretch {
  messages: number;
  deliveries: number;
  /** From the first send until all sockets received the last message, in milliseconds. */
  ms: number;
}

/**
 * Sockets that all receive what any of them sends. The first one parses every frame, and fails when
 * a message is missing or duplicated; the others only count, to keep the client's load low.
 */
export class Crowd {
  private readonly sockets: WebSocket[] = [];
  private readonly dialects: Dialect[] = [];
  private readonly outstanding = new Set<number>();
  private nextId: number;
  private deliveries = 0;
  /** Called when the first socket has received a message, and when a delivery was counted. */
  private seen: () => void = () => undefined;
  private counted: () => void = () => undefined;
  private failure: Error | undefined;
  private readonly pinging = setInterval(() => this.ping(), PING_EVERY_MS);

  private constructor(firstId: number) {
    this.nextId = firstId;
  }

  /**
   * Opens a socket for each dialect and waits until all are live. Message ids begin at `firstId`.
   */
  static async gather(url: string, dialects: Dialect[], firstId: number): Promise<Crowd> {
    const crowd = new Crowd(firstId);
    for (const dialect of dialects) await crowd.join(url, dialect);
    return crowd;
  }

  get size(): number {
    return this.sockets.length;
  }

  /** Keeps `inFlight` messages in flight for `ms` milliseconds, sent by {@link TALKERS} in turn. */
  load(inFlight: number, ms: number): Promise<Stretch> {
    const until = performance.now() + ms;
    return this.keepTalking(inFlight, () => performance.now() < until);
  }

  /** Sends `count` messages, `inFlight` at a time. */
  sendAll(count: number, inFlight: number): Promise<Stretch> {
    const last = this.nextId + count;
    return this.keepTalking(inFlight, () => this.nextId < last);
  }

  private keepTalking(inFlight: number, goesOn: () => boolean): Promise<Stretch> {
    return this.stretch(() => {
      const more = () => {
        while (this.outstanding.size < inFlight && goesOn()) this.send();
      };
      this.seen = more;
      more();
    });
  }

  /** Sends one message and waits until all sockets received it; returns the milliseconds. */
  async one(): Promise<number> {
    const { ms } = await this.stretch(() => this.send());
    return ms;
  }

  close(): void {
    clearInterval(this.pinging);
    for (const socket of this.sockets) socket.removeAllListeners("close").terminate();
  }

  private ping(): void {
    for (const [at, socket] of this.sockets.entries()) {
      const ping = this.dialects[at]?.ping;
      if (ping && socket.readyState === WebSocket.OPEN) socket.send(ping);
    }
  }

  private async stretch(begin: () => void): Promise<Stretch> {
    const firstId = this.nextId;
    const before = this.deliveries;
    const began = performance.now();
    const done = new Promise<void>((resolve, reject) => {
      this.counted = () => {
        if (this.failure) reject(this.failure);
        const due = (this.nextId - firstId) * this.size;
        if (this.deliveries - before >= due && this.outstanding.size === 0) resolve();
      };
    });
    begin();
    this.counted();
    await done;
    const ms = performance.now() - began;
    return { messages: this.nextId - firstId, deliveries: this.deliveries - before, ms };
  }

  private send(): void {
    const id = this.nextId++;
    const at = id % Math.min(TALKERS, this.size);
    this.outstanding.add(id);
    this.sockets[at]?.send(this.dialects[at]?.send(id) ?? "");
  }

  private async join(url: string, dialect: Dialect): Promise<void> {
    const socket = new WebSocket(url, dialect.protocols, { perMessageDeflate: false });
    const first = this.sockets.length === 0;
    this.sockets.push(socket);
    this.dialects.push(dialect);
    let live = dialect.greet("").live ?? false;
    await new Promise<void>((resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", (code) => this.fail(new Error(`a socket was closed: ${code}`)));
      socket.on("open", () => live && resolve());
      socket.on("message", (data, binary) => {
        if (binary) return;
        const frame = data.toString();
        const pong = dialect.pongs?.[frame];
        if (pong) socket.send(pong);
        if (live) {
          this.receive(frame, dialect, first);
          return;
        }
        const { say, live: now } = dialect.greet(frame);
        if (say) socket.send(say);
        if (!now) return;
        live = true;
        resolve();
      });
    });
  }

  private receive(frame: string, dialect: Dialect, first: boolean): void {
    try {
      if (first) this.check(dialect.ids(frame));
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.deliveries += dialect.count(frame);
    this.counted();
  }

  private check(ids: readonly number[]): void {
    for (const id of ids) {
      if (!this.outstanding.delete(id)) throw new Error(`message ${id} came twice or from nowhere`);
    }
    if (ids.length > 0) this.seen();
  }

  private fail(error: Error): void {
    this.failure = error;
    this.counted();
  }
}
