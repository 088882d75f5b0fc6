import type { InboxRow } from "../../../client/inbox-received.ts";
import type { WireMessage } from "../../../client/received.ts";

/** The newest message, as a list shows it. */
export type Newest = { senderId: string | null; text: string; at: string };

/** The author's name before a preview, where it is not obvious. */
export function authorIn(
  kind: "direct" | "group" | "channel",
  newest: Newest | undefined,
  nameOf: (id: string) => string,
): string {
  if (kind === "direct" || !newest?.senderId) return "";
  return `${nameOf(newest.senderId).split(" ")[0]}: `;
}

/** The newest countable message. */
export function newestIn(messages: readonly WireMessage[]): Newest | undefined {
  for (let index = messages.length - 1; index >= 0; index--) {
    const message = messages[index];
    if (!message || message.deletedAt !== null || message.senderId === null) continue;
    const senderId = message.hidden ? null : message.senderId;
    return { senderId, text: previewOf(message), at: message.createdAt };
  }
  return undefined;
}

/** The newest message of a row, which does not name its files. */
export function newestOf(last: InboxRow["lastMessage"]): Newest | undefined {
  if (!last) return undefined;
  const { senderId, content, attachments, createdAt: at, hidden } = last;
  if (hidden) return { senderId: null, text: HIDDEN, at };
  const files = attachments === 1 ? "📎 A file" : `📎 ${attachments} files`;
  return { senderId, text: content || (attachments > 0 ? files : NOT_SHOWN), at };
}

/** What stands for a message that is deleted. */
const DELETED = "Message deleted";
/** What stands for a message of somebody whom the user has blocked. */
export const HIDDEN = "Hidden: you have blocked this person";
/** What stands for a message of a newer kind, of which this page knows neither text nor file. */
export const NOT_SHOWN = "A message that this page cannot show";

/** A message in one line: its text, or else its first file. */
export function previewOf({
  content,
  attachments,
  deletedAt,
  hidden,
}: Pick<WireMessage, "content" | "attachments" | "deletedAt" | "hidden">): string {
  if (deletedAt !== null) return DELETED;
  if (hidden) return HIDDEN;
  const [file] = attachments;
  return content || (file ? `📎 ${file.name}` : NOT_SHOWN);
}

/** What a bubble says of a message that is not shown; `undefined`: it is shown. */
export function placeholderOf({
  deletedAt,
  deletedBy,
  hidden,
}: Pick<WireMessage, "deletedAt" | "deletedBy" | "hidden">): string | undefined {
  if (deletedAt === null) return hidden && HIDDEN;
  return deletedBy === undefined ? DELETED : "Deleted by a moderator";
}

/** The text of a message as its bubble shows it; empty where a file stands for itself. */
export function textOf(
  message: Pick<WireMessage, "attachments" | "deletedAt" | "deletedBy" | "hidden">,
  content: string,
): string {
  if (placeholderOf(message) !== undefined) return "";
  return content === "" && message.attachments.length === 0 ? NOT_SHOWN : content;
}
