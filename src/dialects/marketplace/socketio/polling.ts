import { SEPARATOR } from "./packets.ts";

/** How long a poll hangs at most; then it is answered with a ping. */
export const POLL_MS = 25_000;
/** UTF-16 units that wait for a client which does not poll; with more than these it is given up. */
const MAX_WAITING = 1024 * 1024;
const NOOP = "6";
const PING = "2";

/**
 * Engine.IO's long polling: packets wait in memory until the client asks for them, and a request waits
 * for packets. It lives as long as the object is awake; a client whose session is gone starts anew.
 */
export class Polling {
  /** A socket has been opened that is to take over: no request is kept waiting. */
  upgrading = false;
  private packets: string[] = [];
  private size = 0;
  private emptied: (() => void)[] = [];
  private waiting: { answer: (payload: string) => void; timer: unknown } | undefined;

  /** Gives packets to the client, now or with its next request; false when too many waited already. */
  push(packets: readonly string[]): boolean {
    const full = this.size > MAX_WAITING;
    for (const packet of packets) {
      this.packets.push(packet);
      this.size += packet.length;
    }
    if (this.waiting) this.answer(this.taken());
    return !full;
  }

  /** Answers a request, within {@link POLL_MS}; `undefined` when another one is waiting already. */
  poll(): Promise<string> | undefined {
    if (this.waiting) return undefined;
    if (this.packets.length > 0) return Promise.resolve(this.taken());
    if (this.upgrading) return Promise.resolve(NOOP);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.answer(PING), POLL_MS);
      this.waiting = { answer: resolve, timer };
    });
  }

  /** A socket is to take over: the client waits for its request to end. */
  upgrade(): void {
    this.upgrading = true;
    if (this.waiting) this.answer(NOOP);
  }

  /** The packets that nobody has asked for yet. */
  drain(): string[] {
    this.size = 0;
    for (const resolve of this.emptied.splice(0)) resolve();
    return this.packets.splice(0);
  }

  /**
   * Ends it with one last packet: what had not been taken is not told any more. Answers the request that
   * waits, or returns what the next one is to be answered.
   */
  end(packet: string): string {
    this.drain();
    if (!this.waiting) return packet;
    this.answer(packet);
    return "";
  }

  /** Resolves when nothing waits for the client any more; `undefined`: nothing does. */
  empty(): Promise<void> | undefined {
    if (this.packets.length === 0) return undefined;
    return new Promise((resolve) => this.emptied.push(resolve));
  }

  private taken(): string {
    return this.drain().join(SEPARATOR);
  }

  private answer(payload: string): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (!waiting) return;
    clearTimeout(waiting.timer as number);
    waiting.answer(payload);
  }
}
