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

/** An open invitation. Times are milliseconds since the epoch. */
export interface Invitation {
  userId: string;
  invitedBy: string;
  invitedAt: number;
}

/** Invitations in order of the ids of users, behind one of them. */
export function invitationsAfter(sql: SqlStorage, userId: string, limit: number): Invitation[] {
  return sql
    .exec<{ user_id: string; invited_by: string; invited_at: number }>(
      "SELECT * FROM invitations WHERE user_id > ? ORDER BY user_id LIMIT ?",
      userId,
      limit,
    )
    .toArray()
    .map((row) => ({
      userId: row.user_id,
      invitedBy: row.invited_by,
      invitedAt: row.invited_at,
    }));
}
