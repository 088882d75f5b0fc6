import type { Change } from "../../decide/types.ts";
import { READERS_MAX, readersOf } from "../../tables/receipts.ts";
import type { Note } from "./gateway-api.ts";

/**
 * What gateways get beside the events of a commit: who reacted with what, and who has read a message that
 * changed; in a large conversation no readers.
 */
export function notesOf(sql: SqlStorage, changes: readonly Change[], large: boolean): Note[] {
  return changes.flatMap((change): Note[] => {
    if (change.type !== "message") return [];
    const { cause, message, reaction } = change;
    if (cause === "created" || cause === "deleted") return [];
    const readers = large ? [] : readersOf(sql, message, READERS_MAX);
    return [{ rev: message.rev, readers, ...(reaction && { reaction }) }];
  });
}
