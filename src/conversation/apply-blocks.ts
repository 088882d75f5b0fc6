import type { Block } from "../domain/block.ts";

/** Stores facts about blocks between people of a conversation; of two about the same people the newer holds. */
export function applyBlocks(sql: SqlStorage, blocks: readonly Block[], lastNumber: number): void {
  for (const { userId, blockedId, blocked, version } of blocks) {
    sql.exec(
      `INSERT INTO blocks (user_id, blocked_id, from_number, to_number, version, rev)
       VALUES (?1, ?2, ?3, ?4, ?5, 0)
       ON CONFLICT (user_id, blocked_id) DO UPDATE SET
         to_number = excluded.to_number, version = excluded.version
       WHERE excluded.version > version`,
      userId,
      blockedId,
      lastNumber,
      blocked ? null : lastNumber,
      version,
    );
  }
}
