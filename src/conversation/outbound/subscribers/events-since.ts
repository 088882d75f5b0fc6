import { Buffer } from "node:buffer";
import { isLarge } from "../../../domain/conversation.ts";
import { receiptsShownTo, shownTo } from "../../../domain/hides.ts";
import type { ServerEvent } from "../../../live/events.ts";
import { MAX_SYNC_BYTES } from "../../../live/version.ts";
import { wireConversation, wireMember, wireMessage, wireRead } from "../../../live/wire.ts";
import { type ChangedRow, changesSince } from "../../tables/changes.ts";
import { movedSince } from "../../tables/members.ts";
import { firstNumberAfter } from "../../tables/messages.ts";
import { READERS_MAX, readersOf } from "../../tables/receipts.ts";
import type { View } from "../sockets/view.ts";
import type { Batch, Note } from "./gateway-api.ts";
import { epochOf } from "./subscribers.ts";

/** Bytes that a receipt is estimated to take: an id of the usual length and a time. */
const RECEIPT_BYTES = 80;

/**
 * A page of what changed after `since`, as events, as far as the present state shows: a message created
 * after `known` is a new one, any other was edited or deleted. At most 500 rows and, beyond the first of
 * them, 256 KiB. Nothing after a revision before `beganAt`, with which the epoch began.
 */
export function eventsSince(view: View, since: number, known: number, beganAt = 0): Batch {
  const { sql, memory, hides } = view;
  const { conversation, counters } = memory;
  const epoch = epochOf(beganAt);
  if (since < beganAt) {
    const { id, rev } = { ...conversation, rev: counters.rev };
    return { conversationId: id, from: since, to: rev, lines: [], notes: [], ...epoch };
  }
  const changes = changesSince(sql, conversation, counters, since);
  const firstNew = firstNumberAfter(sql, "created_rev", known, {
    ...{ lastNumber: counters.lastNumber, purgedTo: conversation.purgedTo },
  });
  const large = isLarge(counters.memberCount);
  const moved = movedSince(
    sql,
    changes.rows.flatMap((row) => (row.type === "member" ? row.member.userId : [])),
    since,
  );
  const lines: string[] = [];
  const notes: Note[] = [];
  let bytes = 0;
  let { to, more } = changes;
  for (const row of changes.rows) {
    // What is not broadcast in a large conversation is left out here as well.
    if (row.type === "read") {
      const reader = row.read.userId;
      if (large || hides.has(reader) || view.isHidden(reader)) continue;
    }
    // Gateways have no event for a role, and a flag is its member's own.
    if (row.type === "member" && !moved.has(row.member.userId)) continue;
    const line = JSON.stringify(eventOf(row, view, firstNew));
    const all = row.type === "message" && !large ? readersOf(sql, row.message, READERS_MAX) : [];
    const readers = [...receiptsShownTo(all, hides)];
    bytes += Buffer.byteLength(line) + readers.length * RECEIPT_BYTES;
    if (bytes > MAX_SYNC_BYTES && lines.length > 0) {
      to = row.rev - 1;
      more = true;
      break;
    }
    lines.push(line);
    if (row.type === "message" && !large) notes.push({ rev: row.rev, readers });
  }
  return {
    ...{ conversationId: conversation.id, from: since, to, lines, notes, ...epoch },
    ...(more && { more }),
  };
}

function eventOf(row: ChangedRow, { memory, linkTo, hides }: View, firstNew: number): ServerEvent {
  const { rev } = row;
  switch (row.type) {
    case "message": {
      const { deletedAt, number } = row.message;
      const changed = deletedAt === null ? "edited" : "deleted";
      return {
        type: "message",
        rev,
        cause: deletedAt === null && number >= firstNew ? "created" : changed,
        message: wireMessage(memory.conversation.id, shownTo(row.message, hides), linkTo),
      };
    }
    case "member": {
      const cause = row.member.leftAt === null ? "joined" : "left";
      return { type: "member", rev, cause, member: wireMember(row.member) };
    }
    case "read":
      return { type: "read", ...wireRead(row.read) };
    case "conversation": {
      const conversation = wireConversation(row.conversation, memory.counters);
      return { type: "conversation", rev, conversation };
    }
  }
}
