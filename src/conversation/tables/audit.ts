import { z } from "zod";
import { ACTOR_ROLES, type Act } from "../../domain/act.ts";
import { parsed } from "../../domain/stored.ts";

/** What a moderator or staff did here; where it was done is known, and its id follows from its revision. */
export type LocalAct = Omit<Act, "id" | "conversationId">;

const storedAct: z.ZodType<LocalAct> = z.object({
  at: z.number(),
  actorId: z.string(),
  actorRole: z.enum(ACTOR_ROLES),
  action: z.string(),
  targetId: z.string().optional(),
  messageNumber: z.number().optional(),
  reason: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});

export interface StoredAct {
  rev: number;
  /** The epoch it was done in, where that is an earlier one. */
  epoch?: string | undefined;
  act: LocalAct;
}

/** Acts of one projection to D1 at most. */
export const MAX_ACTS = 500;

/** Stores an act under its revision, which no other act has. */
export function insertAct(sql: SqlStorage, rev: number, act: LocalAct): void {
  sql.exec("INSERT INTO audit (rev, act) VALUES (?, ?)", rev, JSON.stringify(act));
}

/** An epoch ends: acts of it keep its name, by which D1 knows them. */
export function stampActs(sql: SqlStorage, epoch: string): void {
  sql.exec(
    "UPDATE audit SET act = json_set(act, '$.epoch', ?) WHERE act ->> '$.epoch' IS NULL",
    epoch,
  );
}

const stamp = z.object({ epoch: z.string().optional() });

/**
 * The acts after one revision up to another, in order, {@link MAX_ACTS} at most; `to`: the revision up to
 * which these are all.
 */
export function actsBetween(
  sql: SqlStorage,
  after: number,
  upTo: number,
): { acts: StoredAct[]; to: number } {
  const rows = sql
    .exec<{ rev: number; act: string }>(
      "SELECT rev, act FROM audit WHERE rev > ? AND rev <= ? ORDER BY rev LIMIT ?",
      ...[after, upTo, MAX_ACTS],
    )
    .toArray();
  const acts = rows.flatMap(({ rev, act }) => {
    const stored = parsed(act);
    const read = storedAct.safeParse(stored);
    return read.success
      ? [{ rev, act: read.data, epoch: stamp.safeParse(stored).data?.epoch }]
      : [];
  });
  return { acts, to: rows.length === MAX_ACTS ? (rows.at(-1)?.rev ?? upTo) : upTo };
}
