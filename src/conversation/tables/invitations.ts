/** Stores an invitation; inviting again renews it. */
export function insertInvitation(
  sql: SqlStorage,
  userId: string,
  invitedBy: string,
  invitedAt: number,
): void {
  sql.exec(
    `INSERT INTO invitations (user_id, invited_by, invited_at) VALUES (?, ?, ?)
     ON CONFLICT (user_id) DO UPDATE SET invited_by = excluded.invited_by,
       invited_at = excluded.invited_at`,
    userId,
    invitedBy,
    invitedAt,
  );
}

export function deleteInvitation(sql: SqlStorage, userId: string): void {
  sql.exec("DELETE FROM invitations WHERE user_id = ?", userId);
}

/** When a user was last invited; `undefined` if they were not, or have joined since. */
export function invitedAt(sql: SqlStorage, userId: string): number | undefined {
  const [row] = sql
    .exec<{ invited_at: number }>("SELECT invited_at FROM invitations WHERE user_id = ?", userId)
    .toArray();
  return row?.invited_at;
}
