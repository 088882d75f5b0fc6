import type { Shown } from "../worker/pushed.ts";

/** What the list knows of a conversation, as far as it matters here. */
export interface ListedEntry {
  unread: number;
  /** Time of the last message, ISO 8601. */
  lastAt: string;
}

/**
 * Whether what a notification announces has been read, or is gone. The list may not have heard of a message
 * yet that was pushed, so a conversation without unread messages counts only if it knows one as new.
 */
export function isRead(
  shown: Shown,
  entry: ListedEntry | undefined,
  { me, isOpen }: { me: string; isOpen: boolean },
): boolean {
  // Somebody else is notified in this browser as well.
  if (shown.userId !== undefined && shown.userId !== me) return false;
  if (!entry) return shown.userId !== undefined;
  if (entry.unread > 0) return false;
  return isOpen || new Date(entry.lastAt).getTime() >= shown.createdAt;
}
