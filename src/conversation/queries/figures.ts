import type { ConversationFigures } from "../api.ts";
import type { OpenConversation } from "../open.ts";
import { countHolds } from "../tables/hold-count.ts";

/** What an operator is told of a conversation. Reads some rows, however many members and messages it has. */
export function figuresOf(open: OpenConversation): ConversationFigures {
  const { sql, epoch, memory, sessions, subscribers, searchIndex } = open;
  const { conversation, counters } = memory;
  const { memberCount, lastNumber, counted, rev, projectedRev } = counters;
  const covered = searchIndex.coverage?.covered;
  return {
    ...{ conversation, epoch, memberCount, lastNumber, counted, rev, projectedRev },
    storedBytes: sql.databaseSize,
    sockets: sessions.size,
    subscribers: subscribers.size,
    indexed: covered ?? null,
    holds: countHolds(sql),
  };
}
