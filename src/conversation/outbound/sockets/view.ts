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
  /** Whether others are not shown what a member has read. */
  isHidden: (userId: string) => boolean;
  /** Whom the reader hides. */
  hides: Hides;
  /** Blocks that they lifted: what these people wrote up to a number counts as read by the reader. */
  lifted: readonly LiftedBlock[];
  /**
   * The revision in which that changed last, or with which the epoch began: a client that is behind it is shown
   * everything anew.
   */
  hidesSince: number;
  /** Writes a message in the native form. */
  write: WriteMessage;
}

/** A block that was lifted, and the number of the last message that it hid. */
export interface LiftedBlock {
  userId: string;
  upTo: number;
}

/** One `sync` object. */
export interface Page {
  frame: string;
  /** The revision that it goes up to. */
  to: number;
  more: boolean;
}
