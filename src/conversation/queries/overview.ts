import type { Member } from "../../domain/conversation.ts";
import { MAX_GROUP_MEMBERS } from "../../domain/conversation.ts";
import { receiptsShownTo, shownTo } from "../../domain/hides.ts";
import type { Actor } from "../../domain/policy.ts";
import type { Overview } from "../api.ts";
import type { OpenConversation } from "../open.ts";
import { presentMembers } from "../tables/members.ts";
import { unreadMentions } from "../tables/mentions.ts";
import { messageAt } from "../tables/messages.ts";
import { READERS_MAX, readersOf } from "../tables/receipts.ts";
import { uncountedAfterEach } from "../tables/uncounted.ts";

/** A conversation with its members, their unread counts and its last message, as a caller sees it. */
export function overview(open: OpenConversation, actor: Actor): Overview {
  const { sql, memory } = open;
  const hides = open.hidesOf(actor.userId);
  const members = presentMembers(sql, MAX_GROUP_MEMBERS);
  const { lastCounted } = memory.counters;
  const message = lastCounted > 0 ? messageAt(sql, lastCounted) : undefined;
  const you = members.find(({ userId }) => userId === actor.userId);
  return {
    conversation: memory.conversation,
    members,
    lastMessage: message && {
      message: shownTo(message, hides),
      readers: [...receiptsShownTo(readersOf(sql, message, READERS_MAX), hides)],
    },
    unread: unreadOfEach(
      sql,
      memory.counters.lastNumber,
      // Nobody else is shown what somebody has read who has not accepted a request.
      members.filter(({ userId, request }) => !request || userId === actor.userId),
    ),
    unreadMentions: you ? unreadMentions(sql, you, open.isHiding(actor.userId)) : 0,
  };
}

/** Unread messages of each member, by user id. */
function unreadOfEach(
  sql: SqlStorage,
  lastNumber: number,
  members: readonly Member[],
): Map<string, number> {
  const uncounted = uncountedAfterEach(
    sql,
    members.map(({ readUpTo }) => readUpTo),
  );
  return new Map(
    members.map(({ userId, readUpTo, readBeyond }) => [
      userId,
      lastNumber - readUpTo - readBeyond - (uncounted.get(readUpTo) ?? 0),
    ]),
  );
}
