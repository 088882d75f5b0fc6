import type { Conversation, Counters, Member } from "../../domain/conversation.ts";
import type { Message } from "../../domain/message.ts";
import { membersChangedAfter } from "./members.ts";
import { changedAfter, createdFrom, firstNumberAfter } from "./messages.ts";
import { type ReadMark, readsAfter } from "./reads.ts";

/** A changed row in its present state. */
export type ChangedRow =
  | { type: "message"; rev: number; message: Message }
  | { type: "member"; rev: number; member: Member }
  | { type: "read"; rev: number; read: ReadMark }
  | { type: "conversation"; rev: number; conversation: Conversation };

export interface Changes {
  from: number;
  /** `rows` is complete up to this revision. */
  to: number;
  rows: ChangedRow[];
  /** Whether there are changes after `to`. */
  more: boolean;
}

/** Rows of one answer at most. */
export const MAX_CHANGES = 500;
/** Characters of new messages, and of changed ones, that one answer reads at most. */
const MAX_LENGTH = 1_000_000;

/**
 * Every row whose revision is greater than `since`, in its present state and in order of revision.
 * Sockets resume by it, D1 is updated from it, and gateways fill gaps with it. It has no retention
 * window, and applying its result twice is harmless.
 */
export function changesSince(
  sql: SqlStorage,
  conversation: Conversation,
  counters: Counters,
  since: number,
): Changes {
  const limit = MAX_CHANGES;
  const first = firstNumberAfter(sql, "created_rev", since, {
    ...{ lastNumber: counters.lastNumber, purgedTo: conversation.purgedTo },
  });
  const created = createdFrom(sql, first, limit, MAX_LENGTH);
  const changed = changedAfter(sql, since, limit, MAX_LENGTH);
  const members = membersChangedAfter(sql, since, limit);
  const reads = readsAfter(sql, since, limit);

  // A source that reached its bound is complete only up to its last row.
  const horizon = Math.min(
    counters.rev,
    created.more ? (created.messages.at(-1)?.createdRev ?? 0) : counters.rev,
    changed.more ? (changed.messages.at(-1)?.message.rev ?? 0) : counters.rev,
    ...[members, reads].map((rows) =>
      rows.length === limit ? (rows.at(-1)?.rev ?? 0) : counters.rev,
    ),
  );

  const rows: ChangedRow[] = [];
  for (const { message, createdRev } of created.messages) {
    // A message that changed since its creation is in `changed`, at its newer revision.
    if (message.rev === createdRev) rows.push({ type: "message", rev: message.rev, message });
  }
  for (const { message } of changed.messages)
    rows.push({ type: "message", rev: message.rev, message });
  for (const member of members) rows.push({ type: "member", rev: member.rev, member });
  for (const read of reads) rows.push({ type: "read", rev: read.rev, read });
  if (conversation.rev > since) {
    rows.push({ type: "conversation", rev: conversation.rev, conversation });
  }

  const complete = rows.filter((row) => row.rev <= horizon).sort((a, b) => a.rev - b.rev);
  const page = complete.slice(0, limit);
  const to = page.length < complete.length ? (page.at(-1)?.rev ?? since) : horizon;
  return { from: since, to, rows: page, more: to < counters.rev };
}
