import { SEPARATOR } from "./packets.ts";

/** How long a poll waits at most; then it is answered with a ping. */
export const POLL_MS = 25_000;
/** UTF-16 units that wait for a client that does not poll; beyond them the connection is ended. */
const MAX_WAITING = 1024 * 1024;
const NOOP = "6";
const PING = "2";

/**
 * Engine.IO's long polling: packets wait in memory for the next poll, and a poll waits for packets. It is
 * lost when the object is evicted; the client then opens a new connection.
 */
export class Polling {
  /** A socket has been opened that is to replace polling: polls are answered at once. */
  upgrading = false;
  private packets: string[] = [];
  private size = 0;
  private emptied: (() => void)[] = [];
  private waiting: { answer: (payload: string) => void; timer: unknown } | undefined;

  /** Sends packets, now or with the next poll; false when too many waited already. */
  push(packets: readonly string[]): boolean {
    const full = this.size > MAX_WAITING;
    for (const packet of packets) {
      this.packets.push(packet);
      this.size += packet.length;
    }
    if (this.waiting) this.answer(this.taken());
    return !full;
  }

  /** Answers a poll within {@link POLL_MS}; `undefined` when another one is waiting. */
  poll(): Promise<string> | undefined {
    if (this.waiting) return undefined;
    if (this.packets.length > 0) return Promise.resolve(this.taken());
    if (this.upgrading) return Promise.resolve(NOOP);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.answer(PING), POLL_MS);
      this.waiting = { answer: resolve, timer };
    });
  }

  /** A socket is to replace polling: the client waits for its poll to end. */
  upgrade(): void {
    this.upgrading = true;
    if (this.waiting) this.answer(NOOP);
  }

  /** Takes the packets that wait. */
  drain(): string[] {
    this.size = 0;
    for (const resolve of this.emptied.splice(0)) resolve();
    return this.packets.splice(0);
  }

  /**
   * Ends polling with a last packet; those that wait are discarded. Answers the poll that waits, or returns
   * the answer for the next one.
   */
  end(packet: string): string {
    this.drain();
    if (!this.waiting) return packet;
    this.answer(packet);
    return "";
  }

  /** Resolves when no packets wait; `undefined`: none do. */
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
