import {
  type ErasedMessages,
  idInJson,
  type Replacement,
  withoutName,
  withoutPerson,
} from "../domain/erasure.ts";
import type { PlatformRole } from "../domain/policy.ts";
import type { ReportedMessage } from "../domain/report.ts";
import type { Directory } from "./directory.ts";

/** What D1 has of a person who is erased. All of it may be done twice. */

/** Acts of the audit log that are written in one statement. */
const ACTS = 500;

/** Whoever has such a role may have written in conversations of which D1 does not say so. */
const REACHES_ALL: readonly PlatformRole[] = ["admin", "resolver"];

/**
 * Conversations, in the order of their ids after one, in which something may name a person: where they are or
 * were a member, were invited or banned, have moderated, or sent files.
 */
export async function conversationsNaming(
  { $client }: Directory,
  userId: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const { results } = await $client
    .prepare(
      `SELECT conversation_id AS id FROM members WHERE user_id = ?1 AND conversation_id > ?2
       UNION SELECT conversation_id FROM audit WHERE actor_id = ?1 AND conversation_id > ?2
       UNION SELECT conversation_id FROM audit WHERE target_id = ?1 AND conversation_id > ?2
       UNION SELECT sent_to FROM uploads WHERE owner_id = ?1 AND sent_to > ?2
       ORDER BY 1 LIMIT ?3`,
    )
    .bind(userId, after, limit)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

/**
 * Whether a person has, by their last token or by provisioning, a role in which they reach every conversation. An
 * earlier erasure that came to no end has removed the profile that says so: then they may have had one.
 */
export async function mayHaveWrittenAnywhere(
  { $client }: Directory,
  userId: string,
): Promise<boolean> {
  const row = await $client
    .prepare("SELECT role, provisioned_role FROM users WHERE id = ?")
    .bind(userId)
    .first<{ role: PlatformRole; provisioned_role: PlatformRole | null }>();
  if (row) {
    return [row.role, row.provisioned_role].some((role) => role && REACHES_ALL.includes(role));
  }
  const earlier = await $client
    .prepare(
      `SELECT 1 FROM jobs WHERE target = ? AND kind = 'erase-user'
         AND state IN ('failed', 'cancelled') LIMIT 1`,
    )
    .bind(userId)
    .first();
  return earlier !== null;
}

/** Present and former members of a conversation, in order after one. */
export async function peopleOf(
  { $client }: Directory,
  conversationId: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const { results } = await $client
    .prepare(
      `SELECT user_id FROM members WHERE conversation_id = ? AND user_id > ?
       ORDER BY user_id LIMIT ?`,
    )
    .bind(conversationId, after, limit)
    .all<{ user_id: string }>();
  return results.map(({ user_id }) => user_id);
}

/** Who blocks a person, or has lifted a block lately. */
export async function blockersOf({ $client }: Directory, userId: string): Promise<string[]> {
  const { results } = await $client
    .prepare(
      `SELECT user_id FROM blocks WHERE blocked_id = ?1
       UNION SELECT user_id FROM lifted_blocks WHERE blocked_id = ?1`,
    )
    .bind(userId)
    .all<{ user_id: string }>();
  return results.map(({ user_id }) => user_id);
}

/** Users whom a person has banned from the service, or whose ban they have lifted. */
export async function bannedBy({ $client }: Directory, userId: string): Promise<string[]> {
  const { results } = await $client
    .prepare(
      `SELECT DISTINCT target_id FROM audit
       WHERE actor_id = ? AND action IN ('user.ban', 'user.unban') AND target_id IS NOT NULL`,
    )
    .bind(userId)
    .all<{ target_id: string }>();
  return results.map(({ target_id }) => target_id);
}

/** Until when a person is banned from the service; 0: they are not. */
export async function bannedUntil(
  { $client }: Directory,
  userId: string,
  now: number,
): Promise<number> {
  const row = await $client
    .prepare("SELECT until FROM bans WHERE user_id = ? AND lifted_at IS NULL")
    .bind(userId)
    .first<{ until: number | null }>();
  if (!row) return 0;
  const until = row.until ?? Number.MAX_SAFE_INTEGER;
  return until > now ? until : 0;
}

export async function nameOf({ $client }: Directory, userId: string): Promise<string | null> {
  return await $client
    .prepare("SELECT name FROM users WHERE id = ?")
    .bind(userId)
    .first<string | null>("name");
}

/** Whether D1 has the person as a present or former member of any conversation. */
export async function isMemberAnywhere({ $client }: Directory, userId: string): Promise<boolean> {
  const row = await $client
    .prepare("SELECT 1 FROM members WHERE user_id = ? LIMIT 1")
    .bind(userId)
    .first();
  return row !== null;
}

/** Removes the profile: nobody can be added, found or written to by it any more. */
export async function deleteProfile({ $client }: Directory, userId: string): Promise<void> {
  await $client.batch([
    $client.prepare("DELETE FROM users WHERE id = ?").bind(userId),
    $client.prepare("DELETE FROM spending WHERE user_id = ?").bind(userId),
  ]);
}

/** Removes what D1 has of the person in a conversation in whose object nothing names them any more. */
export async function eraseFromConversation(
  { $client }: Directory,
  { userId, erasedId }: Replacement,
  messages: ErasedMessages,
  conversationId: string,
): Promise<void> {
  const ofCreator = $client.prepare(
    `UPDATE conversations SET title = NULL, subject = NULL, metadata = NULL
     WHERE id = ? AND created_by = ? AND kind NOT IN ('group', 'channel')`,
  );
  const here = [conversationId, userId];
  const ofTheirs = ["members", "mentions", "mentions_read"].map((table) =>
    $client.prepare(`DELETE FROM ${table} WHERE conversation_id = ? AND user_id = ?`).bind(...here),
  );
  await $client.batch([
    ...ofTheirs,
    $client
      .prepare("UPDATE mentions SET sender_id = ?3 WHERE conversation_id = ?1 AND sender_id = ?2")
      .bind(...here, erasedId),
    // What follows is written by the projection but once.
    ...(messages === "clear" ? [ofCreator.bind(...here)] : []),
    $client
      .prepare("UPDATE conversations SET created_by = ?3 WHERE id = ?1 AND created_by = ?2")
      .bind(...here, erasedId),
    $client
      .prepare(
        "UPDATE conversations SET metadata = replace(metadata, ?2, ?3) WHERE id = ?1 AND instr(metadata, ?2) > 0",
      )
      .bind(conversationId, idInJson(userId), idInJson(erasedId)),
    // An act of others that names the person: whom a service has created the conversation for.
    $client
      .prepare(
        "UPDATE audit SET details = replace(details, ?2, ?3) WHERE conversation_id = ?1 AND instr(details, ?2) > 0",
      )
      .bind(conversationId, idInJson(userId), idInJson(erasedId)),
  ]);
}

/**
 * Files of a person, some of them. `onlyUnsent`: those that no message carries. `isHeld`: a legal hold stands on
 * their conversation, or on somebody who is or was in it.
 */
export async function someFilesOf(
  { $client }: Directory,
  userId: string,
  onlyUnsent: boolean,
  limit: number,
): Promise<{ key: string; r2UploadId: string | null; isHeld: boolean }[]> {
  const { results } = await $client
    .prepare(
      `SELECT key, r2_upload_id AS r2UploadId,
         EXISTS (SELECT 1 FROM legal_holds WHERE subject = 'conversation' AND id = sent_to)
           OR EXISTS (SELECT 1 FROM legal_holds AS held CROSS JOIN members AS party
             ON party.user_id = held.id AND party.conversation_id = sent_to
             WHERE held.subject = 'user') AS held
       FROM uploads WHERE owner_id = ?
       ${onlyUnsent ? "AND (sent_to IS NULL OR deleted_at IS NOT NULL)" : ""} LIMIT ?`,
    )
    .bind(userId, limit)
    .all<{ key: string; r2UploadId: string | null; held: number }>();
  return results.map(({ key, r2UploadId, held }) => ({ key, r2UploadId, isHeld: held === 1 }));
}

/** Writes the person's acts in the audit log, and those that concern them, under the other id: whether there may be more. */
export async function eraseSomeActs(
  { $client }: Directory,
  { userId, erasedId }: Replacement,
): Promise<boolean> {
  const update = (column: string) =>
    $client
      .prepare(
        // Ids of acts may contain that of a user: `ban:<user>:<version>`.
        `UPDATE audit SET id = replace(id, ':' || ?1 || ':', ':' || ?2 || ':'),
           actor_id = iif(actor_id = ?1, ?2, actor_id),
           target_id = iif(target_id = ?1, ?2, target_id), details = replace(details, ?3, ?4)
         WHERE id IN (SELECT id FROM audit WHERE ${column} = ?1 LIMIT ${ACTS})`,
      )
      .bind(userId, erasedId, idInJson(userId), idInJson(erasedId));
  const results = await $client.batch([update("actor_id"), update("target_id")]);
  return results.some(({ meta }) => meta.changes > 0);
}

/** What is left of the person in tables that are small, or have an index for it. */
export async function eraseElsewhere(
  { $client }: Directory,
  { userId, erasedId }: Replacement,
): Promise<void> {
  const deleted = ["blocks", "lifted_blocks"].map((table) =>
    $client.prepare(`DELETE FROM ${table} WHERE user_id = ?1 OR blocked_id = ?1`).bind(userId),
  );
  const renamed = [
    ...(["uploads.owner_id", "bans.banned_by", "legal_holds.placed_by"] as const),
    ...(["deleted_conversations.deleted_by", "jobs.created_by"] as const),
  ].map((place) => {
    const [table, column] = place.split(".");
    return $client
      .prepare(`UPDATE ${table} SET ${column} = ? WHERE ${column} = ?`)
      .bind(erasedId, userId);
  });
  await $client.batch([...deleted, ...renamed]);
}

/** The person's jobs, this one included, no longer say whom they concern. Their objects forget it by themselves. */
export async function eraseFromJobs({ $client }: Directory, userId: string): Promise<void> {
  await $client
    .prepare("UPDATE jobs SET target = NULL, params = '{}' WHERE target = ?")
    .bind(userId)
    .run();
}

/** The unfinished exports of the person, and the finished ones with an archive. */
export async function exportsOf(
  { $client }: Directory,
  userId: string,
): Promise<{ id: string; isUnfinished: boolean }[]> {
  const { results } = await $client
    .prepare(
      `SELECT id, state IN ('running', 'cancelling') AS unfinished FROM jobs
       WHERE target = ? AND kind = 'export-user' AND swept_at IS NULL
       LIMIT 1000`,
    )
    .bind(userId)
    .all<{ id: string; unfinished: number }>();
  return results.map(({ id, unfinished }) => ({ id, isUnfinished: unfinished === 1 }));
}

/** The person may connect again, as somebody new. */
export async function deleteBan({ $client }: Directory, userId: string): Promise<void> {
  await $client.prepare("DELETE FROM bans WHERE user_id = ?").bind(userId).run();
}

/** Writes the reports after one, some of them, without the person: where to go on. */
export async function eraseSomeReports(
  { $client }: Directory,
  replacement: Replacement,
  { messages, name }: { messages: ErasedMessages; name: string | null },
  after: string,
  limit: number,
): Promise<string | undefined> {
  const { userId, erasedId } = replacement;
  const id = idInJson(userId);
  // A system message begins with the name.
  const begins = JSON.stringify(`${name ?? userId} `).slice(0, -1);
  const { results } = await $client
    .prepare(
      `SELECT id, snapshot, instr(snapshot, ?) + instr(snapshot, ?) AS named FROM reports
       WHERE id > ? ORDER BY id LIMIT ?`,
    )
    .bind(id, begins, after, limit)
    .all<{ id: string; named: number; snapshot: string }>();
  const last = results.at(-1)?.id;
  if (last === undefined) return undefined;
  const columns = ["reporter_id", "reported_id", "claimed_by", "resolved_by"];
  const isCleared = messages === "clear";
  await $client.batch([
    ...results
      .filter(({ named }) => named > 0)
      .map((row) =>
        $client
          .prepare("UPDATE reports SET snapshot = ? WHERE id = ?")
          .bind(snapshotWithout(row.snapshot, replacement, name, isCleared), row.id),
      ),
    $client
      .prepare(
        `UPDATE reports SET ${isCleared ? "note = iif(reporter_id = ?1, NULL, note)," : ""}
           ${columns.map((column) => `${column} = iif(${column} = ?1, ?2, ${column})`).join()}
         WHERE id > ?3 AND id <= ?4 AND ?1 IN (${columns.join()})`,
      )
      .bind(userId, erasedId, after, last),
  ]);
  return results.length < limit ? undefined : last;
}

function snapshotWithout(
  snapshot: string,
  { userId, erasedId }: Replacement,
  name: string | null,
  isCleared: boolean,
): string {
  const messages: ReportedMessage[] = JSON.parse(snapshot);
  return JSON.stringify(
    messages.map((message) => {
      if (message.senderId === null && message.content.startsWith(`${name ?? userId} `)) {
        return { ...message, content: withoutName(message.content) };
      }
      if (message.senderId !== userId) return message;
      const cleared = isCleared && { content: "", attachments: [] };
      return { ...message, senderId: erasedId, senderName: null, ...cleared };
    }),
  );
}

/** Writes the purchase requests after one, some of them, without the person: where to go on. */
export async function eraseSomePurchaseRequests(
  { $client }: Directory,
  replacement: Replacement,
  after: string,
  limit: number,
): Promise<string | undefined> {
  const { userId, erasedId } = replacement;
  const { results } = await $client
    .prepare(
      `SELECT id, buyer_id = ?1 OR instr(seller_ids, ?2) > 0 AS named, seller_ids FROM purchase_requests
       WHERE id > ?3 ORDER BY id LIMIT ?4`,
    )
    .bind(userId, idInJson(userId), after, limit)
    .all<{ id: string; named: number | null; seller_ids: string | null }>();
  const updates = results
    .filter(({ named }) => named)
    .map(({ id, seller_ids }) =>
      $client
        .prepare(
          `UPDATE purchase_requests SET buyer_id = iif(buyer_id = ?1, ?2, buyer_id), seller_ids = ?3
           WHERE id = ?4`,
        )
        .bind(userId, erasedId, seller_ids && withoutPerson(seller_ids, replacement), id),
    );
  if (updates.length > 0) await $client.batch(updates);
  return results.length < limit ? undefined : results.at(-1)?.id;
}
