import type { Member } from "../../domain/conversation.ts";
import { EVERYBODY, MENTIONS_COUNTED } from "../../domain/mentions.ts";
import { isHiddenFrom } from "./messages.ts";

/** Messages that are looked at for the newest one that notifies: silent ones and the like are behind it. */
const LOOKED_AT = 200;

/** Those that may notify: of others, neither silent, nor of the system, nor deleted. */
const NOTIFIES = `m.sender_id IS NOT NULL AND m.sender_id <> ?1 AND m.kind <> 'system'
  AND m.deleted_at IS NULL AND m.silent IS NULL`;
/** ?1 has not read `found`, whose number is greater than their `readUpTo`. */
const IS_UNREAD = `found.number < ifnull((SELECT r.from_number FROM reads r
  WHERE r.user_id = ?1 AND r.to_number >= found.number ORDER BY r.to_number LIMIT 1), found.number + 1)`;

const UNREAD = "max(found.number) AS newest, min(m.created_at) AS since";

/** `isHiding`: they block somebody, or did. */
type Reader = Pick<Member, "userId" | "readUpTo"> & { isHiding: boolean };

/** Of a reader who blocks: the message was not hidden from them. */
const isShown = ({ isHiding }: Reader) => (isHiding ? `AND NOT ${isHiddenFrom("?1")}` : "");

/** What may notify at all. */
export interface Since {
  /** Sent at this time or later, in milliseconds since the epoch. */
  sentAt: number;
}

/** Messages that notify a member and that they have not read. */
export interface Unread {
  /** The number of the newest one. */
  newest: number;
  /** When the oldest one was sent, in milliseconds since the epoch. */
  since: number;
}

/**
 * The messages `from`…`to` that notify a member and that they have not read; `undefined`: none among the
 * newest {@link LOOKED_AT}.
 */
export function unreadNotifying(
  sql: SqlStorage,
  reader: Reader,
  { from, to, sentAt }: Since & { from: number; to: number },
): Unread | undefined {
  const { userId, readUpTo } = reader;
  return unreadIn(
    sql.exec<UnreadRow>(
      `SELECT ${UNREAD} FROM (SELECT m.* FROM messages m WHERE m.number >= ?2 AND m.number <= ?4
         ${isShown(reader)} ORDER BY m.number DESC LIMIT ${LOOKED_AT}) AS found
       JOIN messages m ON m.number = found.number
       WHERE ${NOTIFIES} AND m.created_at >= ?3 AND ${IS_UNREAD}`,
      userId,
      Math.max(from, readUpTo + 1),
      ...[sentAt, to],
    ),
  );
}

/**
 * The same of the messages that began to mention the member, or everybody, after a revision and up to
 * another: by having been sent, or by an edit.
 */
export function unreadMentioning(
  sql: SqlStorage,
  reader: Reader,
  { afterRev, upToRev, sentAt }: Since & { afterRev: number; upToRev: number },
): Unread | undefined {
  const { userId, readUpTo } = reader;
  const unread = (mentioned: string) =>
    unreadIn(
      sql.exec<UnreadRow>(
        `SELECT ${UNREAD} FROM (SELECT number, rev FROM mentions WHERE user_id = ?2 AND number > ?3
           ORDER BY number DESC LIMIT ${MENTIONS_COUNTED}) AS found
         JOIN messages m ON m.number = found.number
         WHERE coalesce(nullif(found.rev, 0), m.created_rev) > ?4
           AND coalesce(nullif(found.rev, 0), m.created_rev) <= ?6 ${isShown(reader)}
           AND ${NOTIFIES} AND m.created_at >= ?5 AND ${IS_UNREAD}`,
        ...[userId, mentioned, readUpTo, afterRev, sentAt, upToRev],
      ),
    );
  return together(unread(userId), unread(EVERYBODY));
}

/** Both of two. */
export function together(a: Unread | undefined, b: Unread | undefined): Unread | undefined {
  if (!a || !b) return a ?? b;
  return { newest: Math.max(a.newest, b.newest), since: Math.min(a.since, b.since) };
}

interface UnreadRow extends Record<string, SqlStorageValue> {
  newest: number | null;
  since: number | null;
}

function unreadIn(rows: SqlStorageCursor<UnreadRow>): Unread | undefined {
  const { newest, since } = rows.one();
  return newest === null || since === null ? undefined : { newest, since };
}
