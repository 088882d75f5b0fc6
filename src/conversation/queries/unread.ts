import type { Member } from "../../domain/conversation.ts";
import type { Memory } from "../commit/draft.ts";
import { uncountedAfter } from "../tables/uncounted.ts";

/** How many messages a member has not read. */
export function unreadOf(sql: SqlStorage, memory: Memory, member: Member): number {
  const after = memory.counters.lastNumber - member.readUpTo;
  return after - member.readBeyond - (after > 0 ? uncountedAfter(sql, member.readUpTo) : 0);
}
