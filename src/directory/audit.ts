import { and, desc, eq, gt, lt, sql } from "drizzle-orm";
import type { Act } from "../domain/act.ts";
import type { Directory } from "./directory.ts";
import { audit } from "./schema.ts";
import { Statement } from "./statement.ts";

/** The audit log of D1: rows are added, and nothing changes or removes them. */

/** An act as a row that {@link insertActs} takes. */
export type ActRow = (string | number | null)[];

export function rowOf(act: Act): ActRow {
  const { id, at, actorId, actorRole, action, conversationId, targetId, messageNumber } = act;
  const details = act.details ? JSON.stringify(act.details) : null;
  return [
    ...[id, at, actorId, actorRole, action, conversationId ?? null, targetId ?? null],
    ...[messageNumber ?? null, act.reason ?? null, details],
  ];
}

/** Takes rows as a JSON list; those whose id is known are left out. */
export const insertActs = new Statement((directory) =>
  directory
    .insert(audit)
    .select(
      sql`SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
        value ->> 6, value ->> 7, value ->> 8, value ->> 9
        FROM json_each(${sql.placeholder("rows")}) WHERE true`,
    )
    .onConflictDoNothing(),
);

/** Adds acts to the log, in one statement. An act whose id is there already is left as it is. */
export async function addActs(directory: Directory, acts: readonly Act[]): Promise<void> {
  if (acts.length === 0) return;
  await insertActs.bind(directory, { rows: JSON.stringify(acts.map(rowOf)) }).run();
}

/** Where a page of the audit log ends. */
export interface AuditPlace {
  at: number;
  id: string;
}

/** What of the audit log is asked for; times are exclusive, in milliseconds since the epoch. */
export interface AuditFilter {
  actorId: string | undefined;
  targetId: string | undefined;
  conversationId: string | undefined;
  action: string | undefined;
  after: number | undefined;
  before: number | undefined;
}

/** Acts that fit a filter, the newest first. */
export function actsThat(
  directory: Directory,
  { actorId, targetId, conversationId, action, after, before }: AuditFilter,
  { behind, limit }: { behind: AuditPlace | undefined; limit: number },
): Promise<(typeof audit.$inferSelect)[]> {
  return directory
    .select()
    .from(audit)
    .where(
      and(
        actorId === undefined ? undefined : eq(audit.actorId, actorId),
        targetId === undefined ? undefined : eq(audit.targetId, targetId),
        conversationId === undefined ? undefined : eq(audit.conversationId, conversationId),
        action === undefined ? undefined : eq(audit.action, action),
        after === undefined ? undefined : gt(audit.at, after),
        before === undefined ? undefined : lt(audit.at, before),
        behind && sql`(${audit.at}, ${audit.id}) < (${behind.at}, ${behind.id})`,
      ),
    )
    .orderBy(desc(audit.at), desc(audit.id))
    .limit(limit);
}
