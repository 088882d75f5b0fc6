/** When members sent last whom slow mode concerns; without slow mode there are no rows. */

export function putPaced(sql: SqlStorage, userId: string, sentAt: number): void {
  sql.exec("INSERT OR REPLACE INTO paced (user_id, sent_at) VALUES (?, ?)", userId, sentAt);
}

export function pacedAt(sql: SqlStorage, userId: string): number | undefined {
  const rows = sql.exec<{ sent_at: number }>("SELECT sent_at FROM paced WHERE user_id = ?", userId);
  return rows.toArray()[0]?.sent_at;
}

export function deletePaced(sql: SqlStorage): void {
  sql.exec("DELETE FROM paced");
}
