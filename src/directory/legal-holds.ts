import { and, eq, gt, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import type { HoldSubject, LegalHold } from "../domain/legal-hold.ts";
import type { Directory } from "./directory.ts";
import { legalHolds, members } from "./schema.ts";

/** Legal holds that stand. There are few: a row each, deleted when it is lifted; the audit log has what was. */

/** Legal holds that stand at a time, at most. */
export const MAX_LEGAL_HOLDS = 1_000;

/**
 * Whether nothing of a conversation or a person may be deleted, in one query. A hold on a user holds every
 * conversation that they are or were in; a held conversation holds back the erasure of everybody who is or was
 * in it, because what they wrote there has to stay. Reads a row for each hold, and for each conversation of a
 * person; none for each member or message.
 */
export async function isHeld(
  directory: Directory,
  whose: { conversationId: string } | { userId: string },
): Promise<boolean> {
  const conversationHeld = (id: ReturnType<typeof sql>) => sql`(
    EXISTS (SELECT 1 FROM legal_holds WHERE subject = 'conversation' AND id = ${id})
    OR EXISTS (SELECT 1 FROM legal_holds AS held CROSS JOIN members AS party
      ON party.user_id = held.id AND party.conversation_id = ${id} WHERE held.subject = 'user'))`;
  const condition =
    "conversationId" in whose
      ? conversationHeld(sql`${whose.conversationId}`)
      : sql`(EXISTS (SELECT 1 FROM legal_holds WHERE subject = 'user' AND id = ${whose.userId})
          OR EXISTS (SELECT 1 FROM members AS own WHERE own.user_id = ${whose.userId}
            AND ${conversationHeld(sql`own.conversation_id`)}))`;
  const [row] = await directory.all<{ held: number }>(sql`SELECT ${condition} AS held`);
  return row?.held === 1;
}

/**
 * Stores a hold, unless one on the same subject stands: that one stays as it is. False: there is no room for
 * another ({@link MAX_LEGAL_HOLDS}).
 */
export async function placeHold(directory: Directory, hold: LegalHold): Promise<boolean> {
  const { subject, id, placedBy, placedAt, reason } = hold;
  await directory.run(sql`
    INSERT INTO legal_holds (subject, id, placed_by, placed_at, reason)
    SELECT ${subject}, ${id}, ${placedBy}, ${placedAt}, ${reason}
    WHERE (SELECT count(*) FROM legal_holds) < ${MAX_LEGAL_HOLDS}
    ON CONFLICT DO NOTHING`);
  return (await holdOn(directory, subject, id)) !== undefined;
}

/** Removes a hold; whether there was one. */
export async function liftHold(
  directory: Directory,
  subject: HoldSubject,
  id: string,
): Promise<boolean> {
  const lifted = await directory
    .delete(legalHolds)
    .where(and(eq(legalHolds.subject, subject), eq(legalHolds.id, id)))
    .returning({ id: legalHolds.id });
  return lifted.length > 0;
}

/** The hold on a subject itself, if one stands. */
export async function holdOn(
  directory: Directory,
  subject: HoldSubject,
  id: string,
): Promise<LegalHold | undefined> {
  const [hold] = await directory
    .select()
    .from(legalHolds)
    .where(and(eq(legalHolds.subject, subject), eq(legalHolds.id, id)));
  return hold;
}

/** All holds that stand: conversations first, each in the order of their ids. */
export async function standingHolds(directory: Directory): Promise<LegalHold[]> {
  return directory.select().from(legalHolds).orderBy(legalHolds.subject, legalHolds.id);
}

/** Conversations that a user is or was in, in the order of their ids, after one: at most so many. */
export async function conversationsOfUser(
  directory: Directory,
  userId: string,
  { after, limit }: { after: string; limit: number },
): Promise<string[]> {
  const rows = await directory
    .select({ id: members.conversationId })
    .from(members)
    .where(and(eq(members.userId, userId), gt(members.conversationId, after)))
    .orderBy(members.conversationId)
    .limit(limit);
  return rows.map(({ id }) => id);
}

/**
 * Whether nothing of an upload may be removed, as a condition: its conversation is held, or its owner, or somebody
 * who is or was in its conversation. Reads a row for each hold on a user.
 */
export function uploadIsHeld({ sentTo, ownerId }: Record<"sentTo" | "ownerId", SQLWrapper>): SQL {
  return sql`(EXISTS (SELECT 1 FROM legal_holds WHERE subject = 'conversation' AND id = ${sentTo})
    OR EXISTS (SELECT 1 FROM legal_holds WHERE subject = 'user' AND id = ${ownerId})
    OR EXISTS (SELECT 1 FROM legal_holds AS held CROSS JOIN members AS party
      ON party.user_id = held.id AND party.conversation_id = ${sentTo}
      WHERE held.subject = 'user'))`;
}

/** The users among some on whom a hold stands. */
export async function heldAmong(
  directory: Directory,
  userIds: readonly string[],
): Promise<string[]> {
  const rows = await directory.all<{ id: string }>(sql`SELECT id FROM legal_holds
    WHERE subject = 'user' AND id IN (SELECT value FROM json_each(${JSON.stringify(userIds)}))`);
  return rows.map(({ id }) => id);
}
