import { messageIdOf } from "../domain/id.ts";

/** Messages that one event names as read, at most: the newest. */
export const MAX_READ_NAMED = 500;

/** The messages of a range that was read, by id. */
export function messagesRead(conversationId: string, read: { from: number; to: number }): string[] {
  const from = Math.max(read.from, read.to - MAX_READ_NAMED + 1);
  return Array.from({ length: read.to - from + 1 }, (_, i) =>
    messageIdOf(conversationId, from + i),
  );
}
