import type { Feature } from "../../../live/version.ts";
import type { Page } from "../sockets/view.ts";

/** The RPC by which a conversation is used over an inbox socket, as its own sockets use it. */

/** Where a client that opens a conversation is, and what it asks for. */
export interface Opening {
  since: number | undefined;
  epoch: string | undefined;
  features: readonly Feature[];
}

/** What a client that opens a conversation is sent first. */
export interface Opened {
  hello: string;
  page: Page;
  /** The newest revision: every later one will be delivered. */
  rev: number;
}

/** The answer to one frame, as an event. */
export type FrameAnswer =
  /** To a command. Events up to the revision `after` come before it. */
  | { type: "answer"; text: string; after: number; refused?: "rate" | undefined }
  /** To `history` and `search`. */
  | { type: "history"; text: string }
  /** To `sync`. */
  | { type: "page"; page: Page }
  /** To `typing`. */
  | { type: "none" };
