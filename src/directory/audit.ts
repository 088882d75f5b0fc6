import { and, desc, eq, gt, lt, sql } from "drizzle-orm";
import type { Act } from "../domain/act.ts";
import type { Directory } from "./directory.ts";
import { audit } from "./schema.ts";

/** Adds acts to the audit log; one that is in it stays as it is. */
export async function addActs(directory: Directory, acts: readonly Act[]): Promise<void> {
  if (acts.length === 0) return;
  const rows = acts.map((act) => [
    ...[act.id, act.at, act.actorId, act.actorRole, act.action, act.conversationId ?? null],
    ...[act.targetId ?? null, act.messageNumber ?? null, act.reason ?? null],
    act.details === undefined ? null : JSON.stringify(act.details),
  ]);
  await directory.run(sql`
    INSERT INTO audit (id, at, actor_id, actor_role, action, conversation_id, target_id,
      message_number, reason, details)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
      value ->> 6, value ->> 7, value ->> 8, value ->> 9
    FROM json_each(${JSON.stringify(rows)}) WHERE true
    ON CONFLICT (id) DO NOTHING`);
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
