import { mentionList } from "../../domain/mentions.ts";
import type { Sent } from "../decide/types.ts";
import { jsonList } from "./messages.ts";

/** The platform binds at most so many parameters to a statement. */
const MAX_PARAMETERS = 100;
/** What every message has, and the rest: a parameter costs a message half a microsecond. */
const PLAIN = ["number", "rev", "sender_id", "content", "created_at", "client_message_id"];
const OTHER = [
  ...["kind", "reply_to", "clock_at", "digest", "metadata", "attachments", "mentions", "silent"],
];
const INSERT_PLAIN = insertsOf(PLAIN, "kind", "'text'");
const INSERT = insertsOf([...PLAIN, ...OTHER]);

/** Statements by how many messages they insert, at least 0; `fixed` is a column with the same value in all. */
function insertsOf(columns: readonly string[], fixed = "reactions", value = "NULL"): string[] {
  const width = columns.length;
  const row = (index: number) => {
    const parameters = columns.map((_, column) => `?${index * width + column + 1}`);
    return `(${value}, ${parameters[columns.indexOf("rev")]}, ${parameters.join()})`;
  };
  const into = `INSERT INTO messages (${fixed}, created_rev, ${columns.join()}) VALUES `;
  return Array.from(
    { length: Math.floor(MAX_PARAMETERS / width) + 1 },
    (_, count) => into + Array.from({ length: count }, (_, index) => row(index)).join(),
  );
}

/** Inserts messages; `digest` is that of what was sent, where the message does not show it. */
export function insertMessages(sql: SqlStorage, sent: readonly Sent[]): void {
  const arePlain = sent.every(isPlain);
  const statements = arePlain ? INSERT_PLAIN : INSERT;
  const most = statements.length - 1;
  for (let from = 0; from < sent.length; from += most) {
    const some = sent.slice(from, from + most);
    const parameters: SqlStorageValue[] = [];
    for (const one of some) {
      parameters.push(...plainValues(one));
      if (!arePlain) parameters.push(...otherValues(one));
    }
    sql.exec(statements[some.length] ?? "", ...parameters);
  }
}

/** Whether all of {@link OTHER} is as it mostly is. */
function isPlain({ message, digest }: Sent): boolean {
  const { kind, replyTo, clockAt, metadata, attachments, silent } = message;
  const isText = kind === "text" && attachments.length === 0 && metadata === null;
  const isUsual = mentionList(message).length === 0 && silent === undefined;
  return isText && isUsual && replyTo === null && clockAt === undefined && digest === null;
}

function plainValues({ message }: Sent): SqlStorageValue[] {
  const { number, rev, senderId, content, createdAt, clientMessageId } = message;
  return [number, rev, senderId, content, createdAt, clientMessageId];
}

function otherValues({ message, digest }: Sent): SqlStorageValue[] {
  const { kind, replyTo, clockAt, metadata, attachments, silent } = message;
  const json = metadata && JSON.stringify(metadata);
  const lists = [jsonList(attachments), jsonList(mentionList(message))];
  return [kind, replyTo, clockAt ?? null, digest, json, ...lists, silent ? 1 : null];
}
