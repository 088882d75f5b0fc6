import { Buffer } from "node:buffer";
import type { Act } from "../domain/act.ts";
import {
  type Conversation,
  type Counters,
  type Member,
  STORED_REQUEST,
} from "../domain/conversation.ts";
import type { Message } from "../domain/message.ts";
import { rowOf } from "./audit.ts";
import type { Directory } from "./directory.ts";
import { LISTS, type List, type Page, pagesOf } from "./pages.ts";
import { removePurged, upsertConversation, writeRows } from "./projection-statements.ts";
import { wordsOfChannel } from "./word-list.ts";

/** The data of a conversation for D1, at one revision. */
export interface Snapshot {
  epoch: string;
  /** The revision of the snapshot. */
  rev: number;
  /** The revision at which its rows were read from the tables: `rev`, or a later one. */
  readAt: number;
  conversation: Conversation;
  /** Whether the conversation's own row may have changed: not by a read mark, nor by a member's flag. */
  isConversationChanged: boolean;
  counters: Pick<Counters, "memberCount" | "lastNumber" | "counted">;
  /** The newest message that counts, as its column holds it, with its time. */
  lastMessage: { json: string; createdAt: number } | null;
  /** Members whose role, membership, flags or figures may have changed. */
  members: readonly Member[];
  /** Uncounted message numbers; repetitions are harmless. */
  uncounted: readonly number[];
  files: {
    /** Messages that carry files. */
    sent: Pick<Message, "number" | "senderId" | "createdAt" | "attachments">[];
    /** Files of deleted messages. */
    deleted: string[];
  };
  mentions: MentionRows;
  /** Whether messages may have gone that D1 has something of. */
  isPurged: boolean;
  /** Those after the revision that D1 has. */
  acts: readonly Act[];
}

/** Rows of mentions; a user id may be `EVERYBODY`. */
export interface MentionRows {
  added: { userId: string; number: number; senderId: string }[];
  removed: { userId: string; number: number }[];
  /** Those that a member has read beyond their `readUpTo`; repetitions are harmless. */
  read: { userId: string; number: number }[];
}

/**
 * Writes a snapshot, in one transaction unless it exceeds a batch. Idempotent, in any order: each
 * row is guarded by (epoch, rev), so that an older one never overwrites a newer one. Resolves to
 * the rows that D1 reports as written.
 */
export async function project(directory: Directory, snapshot: Snapshot): Promise<number> {
  const { lastMessage, conversation } = snapshot;
  const metadata = conversation.metadata && JSON.stringify(conversation.metadata);
  const taken = Buffer.byteLength((lastMessage?.json ?? "") + (metadata ?? ""));
  let written = 0;
  for (const [index, page] of pagesOf(rowsOf(snapshot), taken).entries()) {
    const statements = statementsOf(directory, snapshot, page);
    if (index === 0 && snapshot.isConversationChanged) {
      statements.unshift(upsertConversation.bind(directory, columnsOf(snapshot, metadata)));
      if (snapshot.isPurged) statements.push(...purgedOf(directory, snapshot));
    }
    if (statements.length === 0) continue;
    const results = await directory.$client.batch(statements);
    written += results.reduce((sum, result) => sum + result.meta.rows_written, 0);
  }
  return written;
}

/** All rows of a snapshot except the conversation's own. */
function* rowsOf({
  members,
  uncounted,
  files,
  mentions,
  acts,
}: Snapshot): Generator<readonly [List, unknown]> {
  for (const m of members) {
    const archived = m.archived ? 1 : 0;
    const request = m.request ? STORED_REQUEST[m.request] : 0;
    const row = [m.userId, m.role, m.joinedAt, m.leftAt, archived, m.readUpTo, m.readBeyond];
    yield ["members", [...row, request]];
  }
  for (const number of uncounted) yield ["uncounted", number];
  for (const { number, senderId, createdAt, attachments } of files.sent) {
    for (const { key, name, mimeType, size, width = null, height = null } of attachments) {
      yield ["sent", [key, senderId, name, mimeType, size, width, height, createdAt, number]];
    }
  }
  for (const key of files.deleted) yield ["deleted", key];
  for (const { userId, number, senderId } of mentions.added) {
    yield ["mentions", [userId, number, senderId]];
  }
  for (const { userId, number } of mentions.removed) yield ["unmentioned", [userId, number]];
  for (const { userId, number } of mentions.read) yield ["mentionsRead", [userId, number]];
  for (const act of acts) yield ["acts", rowOf(act)];
}

/** The conversation's own row. */
function columnsOf(snapshot: Snapshot, metadata: string | null): Record<string, unknown> {
  const { conversation, counters, lastMessage, epoch, rev } = snapshot;
  return {
    ...conversation,
    metadata,
    memberCount: counters.memberCount,
    lastNumber: counters.lastNumber,
    messageCount: counters.counted,
    lastMessage: lastMessage?.json ?? null,
    lastMessageAt: lastMessage?.createdAt ?? null,
    epoch,
    rev,
    words: searchable(conversation),
    purgedTo: conversation.purgedTo ?? 0,
  };
}

/** Made once: a conversation in memory is replaced when it changes. */
const madeOf = new WeakMap<Conversation, string>();

/** By which words the conversation is found: those of channels, whether they are listed or not. */
function searchable(conversation: Conversation): string | null {
  if (conversation.kind !== "channel") return null;
  let words = madeOf.get(conversation);
  if (words === undefined) {
    words = wordsOfChannel(conversation.title, conversation.description);
    madeOf.set(conversation, words);
  }
  return words;
}

/** The statements that remove what D1 has of messages that are gone. */
function purgedOf(
  directory: Directory,
  { conversation: { id, purgedTo = 0, pins = [] }, epoch, readAt }: Snapshot,
): D1PreparedStatement[] {
  const kept = JSON.stringify(pins.map(({ number }) => number));
  return removePurged.map((statement) =>
    statement.bind(directory, { id, epoch, readAt, purgedTo, kept }),
  );
}

/** The statements that write the rows of a page. */
function statementsOf(directory: Directory, snapshot: Snapshot, page: Page): D1PreparedStatement[] {
  const { conversation, epoch, rev, readAt } = snapshot;
  return LISTS.filter((list) => page[list].length > 0).map((list) =>
    writeRows[list].bind(directory, {
      ...{ id: conversation.id, epoch, rev, readAt },
      rows: `[${page[list].join()}]`,
    }),
  );
}
