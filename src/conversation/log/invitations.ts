/** Stores that a person may join; inviting twice is the same as once. */
export function insertInvitation(
  sql: SqlStorage,
  userId: string,
  invitedBy: string,
  invitedAt: number,
): void {
  sql.exec(
    "INSERT OR IGNORE INTO invitations (user_id, invited_by, invited_at) VALUES (?, ?, ?)",
    userId,
    invitedBy,
    invitedAt,
  );
}

export function deleteInvitation(sql: SqlStorage, userId: string): void {
  sql.exec("DELETE FROM invitations WHERE user_id = ?", userId);
}

export function isInvited(sql: SqlStorage, userId: string): boolean {
  return sql.exec("SELECT 1 FROM invitations WHERE user_id = ?", userId).toArray().length > 0;
}
