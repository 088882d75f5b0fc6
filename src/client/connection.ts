import { BEARER_PREFIX, CLOSE, PROTOCOL } from "../live/version.ts";
import { backoff } from "./backoff.ts";
import type { Link, Status } from "./link.ts";
import type { Tokens } from "./tokens.ts";

/** Interval of pings: an awake object closes sockets that were silent for 90 s. */
const PING_EVERY_MS = 30_000;
/** A socket that receives nothing for so long after a ping is dead. */
const PONG_WITHIN_MS = 10_000;
/** Timeout of opening a socket and of each page of catching up. */
const PAGE_WITHIN_MS = 20_000;
/** The start of the backoff until a server has sent its own. */
const FIRST_WAIT_MS = 500;

/** `WebSocket.OPEN`, which some implementations lack on their class. */
const OPEN = 1;

/** The used part of `WebSocket`. */
export interface SocketLike {
  readonly readyState: number;
  send(data: string): void;
  close(): void;
  addEventListener(type: "open", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(type: "error", listener: () => void): void;
  addEventListener(
    type: "close",
    listener: (event: { code: number; reason: string }) => void,
  ): void;
}

export interface ConnectionOptions {
  /** The address of the next attempt. */
  url: () => string;
  tokens: Tokens;
  open: (url: string, protocols: string[]) => SocketLike;
  random: () => number;
  onFrame: (frame: string) => void;
  onStatus: (status: Status) => void;
}

/**
 * One auto-reconnecting socket: with a fresh token after 4401, never after 4400, 4403 or 4404, and otherwise
 * after a backoff with full jitter.
 */
export class Connection implements Link {
  firstWaitMs = FIRST_WAIT_MS;
  private readonly options: ConnectionOptions;
  private socket: SocketLike | undefined;
  /** Counts sockets and attempts: events of an earlier one are ignored. */
  private turn = 0;
  private attempt = 0;
  private isLive = false;
  private ended = false;
  /** The last token was rejected, and nothing was received since. */
  private refused = false;
  /** The server reported too many sockets, which is temporary: its 4400 is not final. */
  private crowded = false;
  private timers: ReturnType<typeof setTimeout>[] = [];
  private silence: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConnectionOptions) {
    this.options = options;
  }

  open(): void {
    if (!this.ended && !this.socket) void this.attemptNow();
  }

  private async attemptNow(): Promise<void> {
    this.forget();
    const { turn } = this;
    this.options.onStatus({ state: "connecting" });
    let token: string;
    try {
      token = await this.options.tokens.get();
    } catch (error) {
      if (turn === this.turn) this.retry(`no token: ${reasonOf(error)}`);
      return;
    }
    if (turn !== this.turn) return;
    try {
      this.listen(
        this.options.open(this.options.url(), [PROTOCOL, `${BEARER_PREFIX}${token}`]),
        token,
      );
    } catch (error) {
      this.retry(`no socket: ${reasonOf(error)}`);
    }
  }

  /**
   * Finds out now whether the socket still stands, by a ping that must be answered; without a socket,
   * opens one now.
   */
  wake(): void {
    if (this.ended) return;
    if (!this.socket) this.open();
    else if (this.isLive) this.ping();
  }

  /** What a socket that is closing would only complain about is lost, as it would be anyway. */
  send(frame: string): void {
    if (this.socket?.readyState === OPEN) this.socket.send(frame);
  }

  live(): void {
    this.isLive = true;
    this.attempt = 0;
    this.crowded = false;
    clearTimeout(this.silence);
    this.options.onStatus({ state: "live" });
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
    this.options.onStatus({ state: "closed", reason, ...(code !== undefined && { code }) });
  }

  private listen(socket: SocketLike, token: string): void {
    const { turn } = this;
    this.socket = socket;
    this.expectWithin(PAGE_WITHIN_MS, "nothing heard after connecting");
    // The runtime closes a socket that never sent anything ten seconds late.
    socket.addEventListener("open", () => {
      if (turn === this.turn) this.send("ping");
    });
    socket.addEventListener("message", ({ data }) => {
      if (turn !== this.turn) return;
      this.refused = false;
      if (this.isLive) clearTimeout(this.silence);
      else this.expectWithin(PAGE_WITHIN_MS, "nothing heard while catching up");
      if (data !== "pong") this.options.onFrame(String(data));
    });
    socket.addEventListener("close", ({ code, reason }) => {
      if (turn === this.turn) void this.closed(code, reason, token);
    });
    // A close event follows, and says more.
    socket.addEventListener("error", () => undefined);
    this.timers.push(setInterval(() => this.ping(), PING_EVERY_MS));
  }

  private async closed(code: number, reason: string, token: string): Promise<void> {
    const { abuse, notAMember, notFound, unauthenticated } = CLOSE;
    const crowded = code === abuse && this.crowded;
    if (!crowded && (code === abuse || code === notAMember || code === notFound)) {
      this.close(reason, code);
      return;
    }
    this.forget();
    const { turn } = this;
    // With another token there is nothing to wait for, unless that was refused as well.
    const atOnce = code === unauthenticated && !this.refused;
    if (code === unauthenticated) {
      this.refused = true;
      await this.options.tokens.refuse(token);
    }
    if (turn === this.turn && !this.ended) this.retry(reason || `closed with ${code}`, atOnce);
  }

  private ping(): void {
    this.send("ping");
    this.expectWithin(PONG_WITHIN_MS, "no answer to a ping");
  }

  private expectWithin(milliseconds: number, reason: string): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.drop(reason), milliseconds);
  }

  private retry(reason: string, atOnce = false): void {
    const { random, onStatus } = this.options;
    const retryInMs = atOnce ? 0 : Math.round(backoff(this.attempt, this.firstWaitMs, random));
    this.attempt++;
    this.timers.push(setTimeout(() => this.open(), retryInMs));
    onStatus({ state: "offline", reason, retryInMs });
  }

  /** Lets go of the socket and of everything that was to happen. */
  private forget(): void {
    this.turn++;
    this.isLive = false;
    clearTimeout(this.silence);
    for (const timer of this.timers.splice(0)) clearTimeout(timer);
    const { socket } = this;
    this.socket = undefined;
    // A dead socket may take minutes to close, which is not awaited.
    socket?.close();
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
