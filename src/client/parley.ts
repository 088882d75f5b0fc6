import { FEATURES } from "../live/version.ts";
import { Connection, type ConnectionOptions, type SocketLike } from "./connection.ts";
import { Conversation } from "./conversation.ts";
import { Inbox } from "./inbox.ts";
import { Rest } from "./rest.ts";
import { Search, type SearchOptions } from "./search.ts";
import { SharedLink } from "./shared-link.ts";
import { Staff } from "./staff.ts";
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
  /** For staff. */
  readonly staff: Staff;
  private readonly options: ParleyOptions;
  private readonly tokens: Tokens;

  constructor(options: ParleyOptions) {
    this.options = options;
    this.tokens = new Tokens(options.token);
    const fetcher = options.fetch ?? ((...a) => fetch(...a));
    this.rest = new Rest(options.url, this.tokens, fetcher);
    this.staff = new Staff(options.url, this.tokens, fetcher);
  }

  /** A conversation; `connect()` opens its socket, or with `over` opens it over the socket of an inbox. */
  conversation(id: string, { over }: { over?: Inbox } = {}): Conversation {
    const { random = Math.random, clock = Date.now } = this.options;
    return new Conversation(id, {
      linkOf: (options) =>
        over
          ? new SharedLink({ ...options, conversationId: id, carrier: over.carrier, random })
          : this.connection({
              ...options,
              url: () => this.addressOf(`/live/${id}`, options.place()),
            }),
      clock,
    });
  }

  /** All conversations of the user; `connect()` opens its socket. */
  inbox(): Inbox {
    const { clock = Date.now } = this.options;
    return new Inbox({
      connectionOf: (options) =>
        this.connection({ ...options, url: () => this.addressOf("/live", undefined) }),
      clock,
    });
  }

  /** Searches messages; nothing is requested before its result is iterated. */
  search(q: string, { signal, cursor: first, ...options }: SearchOptions = {}): Search {
    return new Search(first, (cursor) =>
      this.rest.search({ q, ...options, ...(cursor && { cursor }) }, signal),
    );
  }

  private addressOf(path: string, place: { since: number; epoch: string } | undefined): string {
    const at = place && { since: String(place.since), epoch: place.epoch };
    const query = new URLSearchParams({ ...at, features: FEATURES.join() });
    return `${new URL(path, this.options.url).href.replace(/^http/, "ws")}?${query}`;
  }

  private connection(options: Pick<ConnectionOptions, "url" | "onFrame" | "onStatus">): Connection {
    const { openSocket, random = Math.random } = this.options;
    const open = openSocket ?? ((url, protocols) => new WebSocket(url, protocols));
    return new Connection({ ...options, tokens: this.tokens, open, random });
  }
}
