import type { InboxRow } from "./inbox-received.ts";
import type { StatusEvent } from "./live.ts";

/** Commands of an inbox that change something. */
export type InboxCommand =
  | { op: "read"; conversationId: string; upTo?: string }
  | { op: "archive"; conversationId: string; archived: boolean };

export type InboxChange =
  /** A row is new or has changed; `cause`: in the list that follows a connect, or just now. */
  | { type: "row"; cause: "list" | "live"; row: InboxRow }
  /** A conversation is not in the inbox any more. */
  | { type: "removed"; conversationId: string }
  /** The number of unread messages of all rows has changed. */
  | { type: "total"; unread: number }
  /** The server sent something unreadable: it is skipped and reported once. */
  | { type: "error"; reason: string }
  /** An unanswered command is sent again. */
  | { type: "resend"; op: InboxCommand["op"] };

/** The events of an inbox. */
export type InboxEvent = StatusEvent | InboxChange;
