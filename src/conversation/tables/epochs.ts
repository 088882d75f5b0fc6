/** What a conversation stores of its epoch, and of the restore that begins the next one. */

export interface Epoch {
  epoch: string;
  /** The revision with which it began: lower ones are of earlier epochs. 0: that of the creation. */
  beganAt: number;
  /** What had it begun: an id of the caller's; null: the creation. */
  begunBy: string | null;
  /** D1 may have rows of an earlier epoch. */
  isUnswept: boolean;
  /** The restore that has closed the conversation until it is carried out. */
  fence: string | null;
}

export function readEpoch(sql: SqlStorage): Epoch {
  const row = sql
    .exec<{
      epoch: string;
      epoch_rev: number;
      epoch_by: string | null;
      unswept: number;
      fence: string | null;
    }>("SELECT epoch, epoch_rev, epoch_by, unswept, fence FROM conversation")
    .one();
  return {
    epoch: row.epoch,
    beganAt: row.epoch_rev,
    begunBy: row.epoch_by,
    isUnswept: row.unswept === 1,
    fence: row.fence,
  };
}

/** Begins an epoch: its first revision is the newest one. Whatever restore there was is over. */
export function putEpoch(
  sql: SqlStorage,
  { epoch, beganAt, begunBy }: Pick<Epoch, "epoch" | "beganAt"> & { begunBy: string },
): void {
  sql.exec(
    `UPDATE conversation SET epoch = ?, epoch_rev = ?, epoch_by = ?, unswept = 1, fence = NULL`,
    epoch,
    beganAt,
    begunBy,
  );
  sql.exec("UPDATE counters SET rev = ?, projected_rev = 0", beganAt);
}

/** D1 has nothing of an earlier epoch any more. */
export function putSwept(sql: SqlStorage): void {
  sql.exec("UPDATE conversation SET unswept = 0");
}

export function putFence(sql: SqlStorage, fence: string | null): void {
  sql.exec("UPDATE conversation SET fence = ?", fence);
}
