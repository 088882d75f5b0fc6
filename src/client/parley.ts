import type { SocketLike } from "./connection.ts";
import { Conversation } from "./conversation.ts";
import { Rest } from "./rest.ts";
import { type TokenSource, Tokens } from "./tokens.ts";

export interface ParleyOptions {
  /** The server's address: `https://chat.example.com`. */
  url: string;
  /** Returns the user's JWT. Called once, and again whenever the server rejects the last one. */
  token: TokenSource;
  /** Replaces the platform's own, for tests. */
  fetch?: typeof fetch;
  openSocket?: (url: string, protocols: string[]) => SocketLike;
  random?: () => number;
  clock?: () => number;
}

/** One user's client: the REST API, and conversations that stay up to date. */
export class Parley {
  readonly rest: Rest;
  private readonly options: ParleyOptions;
  private readonly tokens: Tokens;

  constructor(options: ParleyOptions) {
    this.options = options;
    this.tokens = new Tokens(options.token);
    this.rest = new Rest(options.url, this.tokens, options.fetch ?? ((...a) => fetch(...a)));
  }

  /** A conversation; `connect()` opens its socket. */
  conversation(id: string): Conversation {
    const { openSocket, random = Math.random, clock = Date.now } = this.options;
    return new Conversation(id, {
      address: new URL(`/live/${id}`, this.options.url).href.replace(/^http/, "ws"),
      tokens: this.tokens,
      open: openSocket ?? ((url, protocols) => new WebSocket(url, protocols)),
      random,
      clock,
    });
  }
}
