import { CLOSE } from "../live/version.ts";
import { backoff } from "./backoff.ts";
import type { Link, Status } from "./link.ts";

/** Timeout of connecting and of each page of catching up. */
const PAGE_WITHIN_MS = 20_000;
/** The start of the backoff until a server has sent its own. */
const FIRST_WAIT_MS = 500;

export interface ReconnectingOptions {
  random: () => number;
  onStatus: (status: Status) => void;
}

/**
 * When to connect again: never after 4400, 4403 or 4404, and otherwise after a backoff with full jitter. What
 * is connected to is the part of the classes that extend this one.
 */
export abstract class Reconnecting implements Link {
  firstWaitMs = FIRST_WAIT_MS;
  /** Counts attempts: events of an earlier one are ignored. */
  protected turn = 0;
  protected isLive = false;
  protected ended = false;
  private attempt = 0;
  /** The server reported too many sockets, which is temporary: its 4400 is not final. */
  private crowded = false;
  private readonly onStatus: (status: Status) => void;
  private readonly random: () => number;
  private timers: ReturnType<typeof setTimeout>[] = [];
  private silence: ReturnType<typeof setTimeout> | undefined;

  constructor({ random, onStatus }: ReconnectingOptions) {
    this.random = random;
    this.onStatus = onStatus;
  }

  abstract open(): void;
  abstract wake(): void;
  abstract send(frame: object): void;
  /** Lets go of what is connected. */
  protected abstract release(): void;

  live(): void {
    this.isLive = true;
    this.attempt = 0;
    this.crowded = false;
    clearTimeout(this.silence);
    this.onStatus({ state: "live" });
  }

  later(task: () => void, milliseconds = 1_000): void {
    this.timers.push(setTimeout(task, milliseconds));
  }

  refusedAsCrowded(): void {
    // Once it is live, a refusal without an id is that of a command.
    if (!this.isLive) this.crowded = true;
  }

  drop(reason: string): void {
    if (this.ended) return;
    this.forget();
    this.retry(reason);
  }

  close(reason: string, code?: number): void {
    if (this.ended) return;
    this.ended = true;
    this.forget();
    this.onStatus({ state: "closed", reason, ...(code !== undefined && { code }) });
  }

  protected connecting(): void {
    this.onStatus({ state: "connecting" });
  }

  /** An attempt has started or has made progress: it is given up after a silence. */
  protected heard(): void {
    if (this.isLive) clearTimeout(this.silence);
    else this.expectWithin(PAGE_WITHIN_MS, "nothing heard while connecting");
  }

  protected expectWithin(milliseconds: number, reason: string): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.drop(reason), milliseconds);
  }

  /** Runs an action again and again, until the connection has ended. */
  protected every(milliseconds: number, task: () => void): void {
    this.timers.push(setInterval(task, milliseconds));
  }

  /** Whether a close with this code is for good. */
  protected isFinal(code: number): boolean {
    if (code === CLOSE.abuse) return !this.crowded;
    return code === CLOSE.notAMember || code === CLOSE.notFound;
  }

  protected retry(
    reason: string,
    { atOnce = false, code }: { atOnce?: boolean; code?: number } = {},
  ): void {
    const retryInMs = atOnce ? 0 : Math.round(backoff(this.attempt, this.firstWaitMs, this.random));
    this.attempt++;
    this.later(() => this.open(), retryInMs);
    this.onStatus({ state: "offline", reason, retryInMs, ...(code !== undefined && { code }) });
  }

  /** Lets go of the connection and of everything that was to happen. */
  protected forget(): void {
    this.turn++;
    this.isLive = false;
    clearTimeout(this.silence);
    for (const timer of this.timers.splice(0)) clearTimeout(timer);
    this.release();
  }
}
