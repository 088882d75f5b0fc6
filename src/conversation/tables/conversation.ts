import { z } from "zod";
import type {
  Conversation,
  Counters,
  Dialect,
  Kind,
  Pin,
  Visibility,
} from "../../domain/conversation.ts";
import { metadataIn, parsed } from "../../domain/stored.ts";

type ConversationRow = {
  id: string;
  epoch: string;
  kind: Kind;
  title: string | null;
  description: string | null;
  visibility: Visibility;
  created_by: string;
  created_at: number;
  archived_at: number | null;
  subject: string | null;
  purchase_request_id: string | null;
  metadata: string | null;
  origin: Dialect;
  slow_mode: number;
  locked: number;
  pins: string | null;
  retention_days: number | null;
  retention_by_admin: number;
  purged_to: number;
  changed_rev: number;
};

type CountersRow = {
  rev: number;
  last_number: number;
  counted: number;
  last_counted: number;
  last_created_at: number;
  member_count: number;
  projected_rev: number;
};

export function insertConversation(
  sql: SqlStorage,
  epoch: string,
  conversation: Conversation,
): void {
  const c = conversation;
  sql.exec(
    `INSERT INTO conversation (only, id, epoch, kind, title, description, visibility, created_by,
       created_at, archived_at, subject, purchase_request_id, metadata, origin, changed_rev)
     VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    c.id,
    epoch,
    c.kind,
    c.title,
    c.description,
    c.visibility,
    c.createdBy,
    c.createdAt,
    c.archivedAt,
    c.subject,
    c.purchaseRequestId,
    c.metadata && JSON.stringify(c.metadata),
    c.origin,
    c.rev,
  );
}

/** Updates the mutable fields of a conversation. */
export function updateConversation(sql: SqlStorage, conversation: Conversation): void {
  sql.exec(
    `UPDATE conversation SET title = ?, description = ?, archived_at = ?, slow_mode = ?, locked = ?,
       pins = ?, retention_days = ?, retention_by_admin = ?, changed_rev = ?`,
    conversation.title,
    conversation.description,
    conversation.archivedAt,
    conversation.slowModeSeconds ?? 0,
    conversation.locked ? 1 : 0,
    storedPins(conversation.pins),
    conversation.retentionDays ?? null,
    conversation.retentionByAdmin ? 1 : 0,
    conversation.rev,
  );
}

export function readConversation(sql: SqlStorage): { epoch: string; conversation: Conversation } {
  const row = sql
    .exec<ConversationRow>("SELECT conversation.*, purged_to FROM conversation, counters")
    .one();
  const pins = pinsIn(row.pins);
  return {
    epoch: row.epoch,
    conversation: {
      id: row.id,
      kind: row.kind,
      title: row.title,
      description: row.description,
      visibility: row.visibility,
      createdBy: row.created_by,
      createdAt: row.created_at,
      archivedAt: row.archived_at,
      subject: row.subject,
      purchaseRequestId: row.purchase_request_id,
      metadata: metadataIn(parsed(row.metadata)),
      origin: row.origin,
      ...(row.slow_mode > 0 && { slowModeSeconds: row.slow_mode }),
      ...(row.locked === 1 && { locked: true as const }),
      ...(pins.length > 0 && { pins }),
      ...(row.retention_days !== null && { retentionDays: row.retention_days }),
      ...(row.retention_by_admin === 1 && { retentionByAdmin: true as const }),
      ...(row.purged_to > 0 && { purgedTo: row.purged_to }),
      rev: row.changed_rev,
    },
  };
}

const pin = z
  .tuple([z.number(), z.string(), z.number()])
  .transform(([number, pinnedBy, pinnedAt]): Pin => ({ number, pinnedBy, pinnedAt }));

/** Stored pins; what cannot be read is left out. */
function pinsIn(stored: string | null): Pin[] {
  const list = parsed(stored);
  return Array.isArray(list) ? list.flatMap((one) => pin.safeParse(one).data ?? []) : [];
}

function storedPins(pins: readonly Pin[] = []): string | null {
  if (pins.length === 0) return null;
  return JSON.stringify(pins.map(({ number, pinnedBy, pinnedAt }) => [number, pinnedBy, pinnedAt]));
}

export function insertCounters(sql: SqlStorage, counters: Counters): void {
  sql.exec(
    `INSERT INTO counters (only, rev, last_number, counted, last_counted, last_created_at,
       member_count, projected_rev) VALUES (1, ?, ?, ?, ?, ?, ?, ?)`,
    ...bound(counters),
  );
}

/** `figures`: the pending figures, where they changed, as `pending-figures.ts` stores them. */
export function updateCounters(sql: SqlStorage, counters: Counters, figures?: string | null): void {
  const set = `UPDATE counters SET rev = ?, last_number = ?, counted = ?, last_counted = ?,
    last_created_at = ?, member_count = ?, projected_rev = ?`;
  if (figures === undefined) sql.exec(set, ...bound(counters));
  else sql.exec(`${set}, figures = ?`, ...bound(counters), figures);
}

export function readCounters(sql: SqlStorage): Counters {
  const row = sql.exec<CountersRow>("SELECT * FROM counters").one();
  return {
    rev: row.rev,
    lastNumber: row.last_number,
    counted: row.counted,
    lastCounted: row.last_counted,
    lastCreatedAt: row.last_created_at,
    memberCount: row.member_count,
    projectedRev: row.projected_rev,
  };
}

function bound(counters: Counters): number[] {
  return [
    counters.rev,
    counters.lastNumber,
    counters.counted,
    counters.lastCounted,
    counters.lastCreatedAt,
    counters.memberCount,
    counters.projectedRev,
  ];
}
