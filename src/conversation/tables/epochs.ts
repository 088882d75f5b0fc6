import { z } from "zod";
import { parsed } from "../../domain/stored.ts";

/** What a conversation stores of its epoch, and of the restore that begins the next one. */

export interface Epoch {
  epoch: string;
  /** The revision with which it began: lower ones are of earlier epochs. 0: that of the creation. */
  beganAt: number;
  /** What had it begun: an id of the caller's; null: the creation. */
  begunBy: string | null;
  /** D1 may have rows of an earlier epoch. */
  isUnswept: boolean;
  /** When an epoch began last because somebody was erased; 0: never. */
  erasedAt: number;
  /** The restore that has closed the conversation until it is carried out. */
  fence: Fence | null;
}

export interface Fence {
  /** The id of the restore. */
  by: string;
  /** The last state before the conversation was closed: what a later restore goes back to. */
  undo: string;
  /** When it was closed, in milliseconds since the epoch. */
  closedAt: number;
  /** The platform has refused it: the conversation is open again, and the restore has failed. */
  refused?: true | undefined;
}

/** A restore gives up after a day, and its undoing after another: whatever is closed for longer has nobody to open it. */
const CLOSED_MS = 3 * 24 * 60 * 60_000;

const fenceSchema = z.object({
  ...{ by: z.string(), undo: z.string(), closedAt: z.number() },
  refused: z.literal(true).optional(),
});

/** Whether a restore keeps the conversation closed: for three days at most. */
export function isClosing(fence: Fence | null, now: number): fence is Fence {
  return fence !== null && !fence.refused && now - fence.closedAt < CLOSED_MS;
}

export function readEpoch(sql: SqlStorage): Epoch {
  const row = sql
    .exec<{
      epoch: string;
      epoch_rev: number;
      epoch_by: string | null;
      unswept: number;
      erased_at: number;
      fence: string | null;
    }>("SELECT epoch, epoch_rev, epoch_by, unswept, erased_at, fence FROM conversation")
    .one();
  return {
    epoch: row.epoch,
    beganAt: row.epoch_rev,
    begunBy: row.epoch_by,
    isUnswept: row.unswept === 1,
    erasedAt: row.erased_at,
    fence: row.fence === null ? null : fenceSchema.parse(parsed(row.fence)),
  };
}

/** Begins an epoch: its first revision is the newest one. Whatever restore there was is over. */
export function putEpoch(
  sql: SqlStorage,
  { epoch, beganAt, begunBy, erasedAt }: Pick<Epoch, "epoch" | "beganAt" | "begunBy" | "erasedAt">,
): void {
  sql.exec(
    `UPDATE conversation SET epoch = ?, epoch_rev = ?, epoch_by = ?, unswept = 1, erased_at = ?,
       fence = NULL`,
    ...[epoch, beganAt, begunBy, erasedAt],
  );
  sql.exec("UPDATE counters SET rev = ?, projected_rev = 0", beganAt);
}

/** D1 has nothing of an earlier epoch any more. */
export function putSwept(sql: SqlStorage): void {
  sql.exec("UPDATE conversation SET unswept = 0");
}

export function putFence(sql: SqlStorage, fence: Fence | null): void {
  sql.exec("UPDATE conversation SET fence = ?", fence && JSON.stringify(fence));
}
