import type { Conversation } from "../../../client/conversation.ts";
import { replaces } from "../../../domain/inbox.ts";
import { type Newest, newestIn } from "./newest.ts";

/** What the page knows of a conversation from its own socket, at a revision. */
export interface Known {
  epoch: string;
  rev: number;
  title: string | null;
  unread: number;
  /** The newest message; absent: none of the loaded ones counts. */
  newest: Newest | undefined;
}

/** What a conversation knows that has caught up at least once. */
export function knownOf({ cursor, info, messages, unread }: Conversation): Known | undefined {
  const { epoch, rev } = cursor;
  if (epoch === undefined || rev === undefined || !info) return undefined;
  return { epoch, rev, title: info.title, unread, newest: newestIn(messages) };
}

/** What is known, where a row is older than that. */
export function newerThan(
  row: { epoch: string; rev: number },
  known: Known | undefined,
): Known | undefined {
  return known && !replaces(row, known) ? known : undefined;
}
