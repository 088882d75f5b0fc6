import type { Member } from "../../domain/conversation.ts";
import type { Facts } from "../../domain/policy.ts";
import type { Memory } from "../commit/draft.ts";
import { factsOf } from "../decide/facts.ts";
import { banOf } from "../tables/bans.ts";
import { memberOf } from "../tables/members.ts";

/** What of an open conversation says who somebody is in it. */
export interface Known {
  sql: SqlStorage;
  memory: Memory;
  clock: () => number;
}

/** The facts about a user as committed. */
export function factsFor(known: Known, userId: string): Facts {
  const { conversation, counters, blocks } = known.memory;
  const state = {
    ...{ clock: known.clock(), counters },
    banOf: (userId: string) => banOf(known.sql, userId),
    isBlockedOrBlocks: (userId: string) => blocks.concerns(userId),
  };
  return factsOf(conversation, userId, knownMember(known, userId), state);
}

/** A member as committed: from memory, which has those who acted recently, or from storage. */
export function knownMember(
  { sql, memory }: Pick<Known, "sql" | "memory">,
  userId: string,
): Member | undefined {
  const { members, pendingFigures: pending, conversation } = memory;
  const { purgedTo = 0 } = conversation;
  return members.get(userId) ?? memberOf(sql, userId, { pending, purgedTo });
}
