import { BEARER_PREFIX, CLOSE, PROTOCOL } from "../live/version.ts";
import { Reconnecting, type ReconnectingOptions } from "./reconnecting.ts";
import type { Tokens } from "./tokens.ts";

/** Interval of pings: an awake object closes sockets that were silent for 90 s. */
const PING_EVERY_MS = 30_000;
/** A socket that receives nothing for so long after a ping is dead. */
const PONG_WITHIN_MS = 10_000;

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

export interface ConnectionOptions extends ReconnectingOptions {
  /** The address of the next attempt. */
  url: () => string;
  tokens: Tokens;
  open: (url: string, protocols: string[]) => SocketLike;
  onFrame: (frame: string) => void;
}

/** One auto-reconnecting socket; after 4401 it connects again with a fresh token. */
export class Connection extends Reconnecting {
  private readonly options: ConnectionOptions;
  private socket: SocketLike | undefined;
  /** The last token was rejected, and nothing was received since. */
  private refused = false;

  constructor(options: ConnectionOptions) {
    super(options);
    this.options = options;
  }

  open(): void {
    if (!this.ended && !this.socket) void this.connect();
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

  send(frame: object): void {
    this.transmit(JSON.stringify(frame));
  }

  protected release(): void {
    const { socket } = this;
    this.socket = undefined;
    // A dead socket may take minutes to close, which is not awaited.
    socket?.close();
  }

  private async connect(): Promise<void> {
    this.forget();
    const { turn } = this;
    this.connecting();
    let token: string;
    try {
      token = await this.options.tokens.get();
    } catch (error) {
      if (turn === this.turn) this.retry(`no token: ${reasonOf(error)}`);
      return;
    }
    if (turn !== this.turn) return;
    try {
      const { open, url } = this.options;
      this.listen(open(url(), [PROTOCOL, `${BEARER_PREFIX}${token}`]), token);
    } catch (error) {
      this.retry(`no socket: ${reasonOf(error)}`);
    }
  }

  private listen(socket: SocketLike, token: string): void {
    const { turn } = this;
    this.socket = socket;
    this.heard();
    // The runtime closes a socket that never sent anything ten seconds late.
    socket.addEventListener("open", () => {
      if (turn === this.turn) this.transmit("ping");
    });
    socket.addEventListener("message", ({ data }) => {
      if (turn !== this.turn) return;
      this.refused = false;
      this.heard();
      if (data !== "pong") this.options.onFrame(String(data));
    });
    socket.addEventListener("close", ({ code, reason }) => {
      if (turn === this.turn) void this.closed(code, reason, token);
    });
    // A close event follows, and says more.
    socket.addEventListener("error", () => undefined);
    this.every(PING_EVERY_MS, () => this.ping());
  }

  private async closed(code: number, reason: string, token: string): Promise<void> {
    if (this.isFinal(code)) {
      this.close(reason, code);
      return;
    }
    this.forget();
    const { turn } = this;
    // With another token there is nothing to wait for, unless that was refused as well.
    const atOnce = code === CLOSE.unauthenticated && !this.refused;
    if (code === CLOSE.unauthenticated) {
      this.refused = true;
      await this.options.tokens.refuse(token);
    }
    if (turn !== this.turn || this.ended) return;
    this.retry(reason || `closed with ${code}`, { atOnce, code });
  }

  private ping(): void {
    this.transmit("ping");
    this.expectWithin(PONG_WITHIN_MS, "no answer to a ping");
  }

  /** What a socket that is closing would only complain about is lost, as it would be anyway. */
  private transmit(data: string): void {
    if (this.socket?.readyState === OPEN) this.socket.send(data);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
