import type { SocketLike } from "./connection.ts";
import { Conversation } from "./conversation.ts";
import { Rest } from "./rest.ts";
import { type TokenSource, Tokens } from "./tokens.ts";

export interface ParleyOptions {
  /** Where the server is: `https://chat.example.com`. */
  url: string;
  /** The caller's JWT. Asked for once, and again whenever the server takes the last one no longer. */
  token: TokenSource;
  /** In place of the platform's own, for tests. */
  fetch?: typeof fetch;
  openSocket?: (url: string, protocols: string[]) => SocketLike;
  random?: () => number;
  clock?: () => number;
}

/** A person's way into Parley: the REST API, and conversations that stay up to date. */
export class Parley {
  readonly rest: Rest;
  private readonly options: ParleyOptions;
  private readonly tokens: Tokens;

  constructor(options: ParleyOptions) {
    this.options = options;
    this.tokens = new Tokens(options.token);
    this.rest = new Rest(options.url, this.tokens, options.fetch ?? ((...a) => fetch(...a)));
  }

  /** A conversation, to be connected with `connect()`. */
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
