import type { Hides } from "../../../domain/hides.ts";
import type { LinkTo } from "../../../live/wire.ts";
import type { Memory } from "../../commit/draft.ts";
import type { WriteMessage } from "../../queries/message-texts.ts";
import type { RecentMessages } from "../../queries/recent.ts";

/**
 * A conversation as one reader sees it: links begin with the address that they connected to, and of those whom
 * they hide nothing is shown.
 */
export interface View {
  sql: SqlStorage;
  recent: RecentMessages;
  memory: Memory;
  epoch: string;
  linkTo: LinkTo;
  /** Whom the reader hides. */
  hides: Hides;
  /** The revision in which that changed last: a client that is behind it is shown everything anew. */
  hidesSince: number;
  /** Writes a message in the native form. */
  write: WriteMessage;
}

/** One `sync` object. */
export interface Page {
  frame: string;
  /** The revision that it goes up to. */
  to: number;
  more: boolean;
}
