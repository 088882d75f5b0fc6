import type { Member } from "../../domain/conversation.ts";
import { EVERYBODY, MENTIONS_COUNTED } from "../../domain/mentions.ts";

/** Messages that are looked at for the newest one that notifies: silent ones and the like are behind it. */
const LOOKED_AT = 200;

/** Those that may notify: of others, neither silent, nor of the system, nor deleted. */
const NOTIFIES = `m.sender_id IS NOT NULL AND m.sender_id <> ?1 AND m.kind <> 'system'
  AND m.deleted_at IS NULL AND m.silent IS NULL`;
/** ?1 has not read `found`, whose number is greater than their `readUpTo`. */
const IS_UNREAD = `found.number < ifnull((SELECT r.from_number FROM reads r
  WHERE r.user_id = ?1 AND r.to_number >= found.number ORDER BY r.to_number LIMIT 1), found.number + 1)`;

type Reader = Pick<Member, "userId" | "readUpTo">;

/** What may notify at all. */
export interface Since {
  /** Sent at this time or later, in milliseconds since the epoch. */
  sentAt: number;
}

/**
 * The number of the newest message from `from` on that notifies a member and that they have not read;
 * `undefined`: none among the newest {@link LOOKED_AT}.
 */
export function newestNotifying(
  sql: SqlStorage,
  { userId, readUpTo }: Reader,
  { from, sentAt }: Since & { from: number },
): number | undefined {
  const [row] = sql
    .exec<{ number: number }>(
      `SELECT found.number FROM (SELECT m.* FROM messages m WHERE m.number >= ?2
         ORDER BY m.number DESC LIMIT ${LOOKED_AT}) AS found
       JOIN messages m ON m.number = found.number
       WHERE ${NOTIFIES} AND m.created_at >= ?3 AND ${IS_UNREAD}
       ORDER BY found.number DESC LIMIT 1`,
      userId,
      Math.max(from, readUpTo + 1),
      sentAt,
    )
    .toArray();
  return row?.number;
}

/**
 * The same of the messages that began to mention the member, or everybody, after a revision: by having been
 * sent, or by an edit.
 */
export function newestMentioning(
  sql: SqlStorage,
  { userId, readUpTo }: Reader,
  { afterRev, sentAt }: Since & { afterRev: number },
): number | undefined {
  const newest = (mentioned: string) =>
    sql
      .exec<{ number: number }>(
        `SELECT found.number FROM (SELECT number, rev FROM mentions WHERE user_id = ?2 AND number > ?3
           ORDER BY number DESC LIMIT ${MENTIONS_COUNTED}) AS found
         JOIN messages m ON m.number = found.number
         WHERE coalesce(nullif(found.rev, 0), m.created_rev) > ?4
           AND ${NOTIFIES} AND m.created_at >= ?5 AND ${IS_UNREAD}
         ORDER BY found.number DESC LIMIT 1`,
        ...[userId, mentioned, readUpTo, afterRev, sentAt],
      )
      .toArray()[0]?.number ?? 0;
  return Math.max(newest(userId), newest(EVERYBODY)) || undefined;
}
