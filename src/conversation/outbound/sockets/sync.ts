import { Buffer } from "node:buffer";
import { isLarge, type Member } from "../../../domain/conversation.ts";
import { shownTo } from "../../../domain/hides.ts";
import { MAX_ATTACHMENTS } from "../../../domain/message.ts";
import type { ServerEvent } from "../../../live/events.ts";
import type { FrameId } from "../../../live/frames.ts";
import { MAX_FRAME_BYTES, MAX_SYNC_BYTES, PROTOCOL } from "../../../live/version.ts";
import { wireConversation, wireMember, wireMessage, wireRead } from "../../../live/wire.ts";
import type { Memory } from "../../commit/draft.ts";
import type { Limits } from "../../decide/types.ts";
import { unreadOf } from "../../queries/unread.ts";
import { type ChangedRow, changesSince } from "../../tables/changes.ts";
import { memberOf } from "../../tables/members.ts";
import { firstSync } from "./first-visit.ts";
import { frameOf } from "./sync-frame.ts";
import type { Page, View } from "./view.ts";

/** A client waits at least so long before it reconnects, and longer where many would at once. */
const RECONNECT_MIN_MS = 500;
const RECONNECT_PER_SOCKET_MS = 2;
const RECONNECT_MAX_MS = 30_000;

/** What a client passes of an earlier visit. */
export interface Cursor {
  since: number | undefined;
  epoch: string | undefined;
}

/**
 * The `sync` object for a cursor: what changed since, or, on a first visit and where the cursor cannot be
 * used (a future revision, another epoch, or the reader has blocked somebody since, or no longer does), the newest
 * messages and the present members.
 */
export function syncFor(view: View, cursor: Cursor, userId: string, id?: FrameId): Page {
  const { since } = cursor;
  if (since === undefined) return firstSync(view, false, userId, id);
  const foreign = cursor.epoch !== undefined && cursor.epoch !== view.epoch;
  if (foreign || since > view.memory.counters.rev || since < view.hidesSince) {
    return firstSync(view, true, userId, id);
  }
  return resumedSync(view, since, userId, id);
}

function resumedSync(view: View, since: number, userId: string, id: FrameId): Page {
  const { sql, memory } = view;
  const { conversation, counters } = memory;
  const changes = changesSince(sql, conversation, counters, since);
  const large = isLarge(counters.memberCount);
  const lists = { message: [] as string[], member: [] as string[], read: [] as string[] };
  let whole = "null";
  let bytes = 0;
  let { to } = changes;
  let cut = false;
  for (const row of changes.rows) {
    // What is not broadcast in a large conversation is left out of a sync as well.
    if (row.type === "read" && row.read.userId !== userId) {
      const reader = row.read.userId;
      if (large || view.hides.has(reader) || view.isHidden(reader)) continue;
    }
    const json = JSON.stringify(wireRow(row, view));
    bytes += Buffer.byteLength(json) + 1;
    // One row at least: a page without any would make no progress.
    if (bytes > MAX_SYNC_BYTES && row !== changes.rows[0]) {
      cut = true;
      to = row.rev - 1;
      break;
    }
    if (row.type === "conversation") whole = json;
    else lists[row.type].push(json);
  }
  const more = cut || changes.more;
  const { message: messages, member: members, read: reads } = lists;
  const unread = more || conversation.purgedTo === undefined ? {} : unreadFor(view, userId);
  const frame = frameOf({
    ...{ from: since, to, messages, members, reads },
    ...{ conversation: whole, more, id, ...unread },
  });
  return { frame, to, more };
}

/** Which of the messages that a client has not loaded were unread, and are gone, only the server knows. */
function unreadFor({ sql, memory }: View, userId: string): { unread?: number } {
  const member = memberOf(sql, userId);
  return member ? { unread: unreadOf(sql, memory, member) } : {};
}

function wireRow(row: ChangedRow, { memory, linkTo, hides }: View): unknown {
  switch (row.type) {
    case "message":
      return wireMessage(memory.conversation.id, shownTo(row.message, hides), linkTo);
    case "member":
      return wireMember(row.member);
    case "read":
      return wireRead(row.read);
    case "conversation":
      return wireConversation(row.conversation, memory.counters);
  }
}

/** The first object of every session. */
export function helloFor(
  memory: Memory,
  epoch: string,
  you: { member: Member; unread: number },
  online: string[],
  sockets: number,
  limits: Limits,
): ServerEvent {
  const { conversation, counters } = memory;
  const { messagesPerMinute, contentLength, editWindowMs } = limits;
  return {
    type: "hello",
    protocol: PROTOCOL,
    epoch,
    rev: counters.rev,
    you: { userId: you.member.userId, role: you.member.role, unread: you.unread },
    conversation: wireConversation(conversation, counters),
    online: isLarge(counters.memberCount) ? online.length : online,
    limits: {
      ...{ messagesPerMinute, contentLength, editWindowMs },
      ...{ attachments: MAX_ATTACHMENTS, frameBytes: MAX_FRAME_BYTES },
    },
    reconnectAfterMs: Math.min(
      RECONNECT_MAX_MS,
      RECONNECT_MIN_MS + RECONNECT_PER_SOCKET_MS * sockets,
    ),
  };
}
