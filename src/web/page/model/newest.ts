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
    return { senderId: message.senderId, text: previewOf(message), at: message.createdAt };
  }
  return undefined;
}

/** The newest message of a row, which does not name its files. */
export function newestOf(last: InboxRow["lastMessage"]): Newest | undefined {
  if (!last) return undefined;
  const { senderId, content, attachments, createdAt: at } = last;
  const files = attachments === 1 ? "📎 A file" : `📎 ${attachments} files`;
  return { senderId, text: content || (attachments > 0 ? files : NOT_SHOWN), at };
}

/** What stands for a message of a newer kind, of which this page knows neither text nor file. */
export const NOT_SHOWN = "A message that this page cannot show";

/** A message in one line: its text, or else its first file. */
export function previewOf({
  content,
  attachments,
}: {
  content: string;
  attachments: readonly { name: string }[];
}): string {
  const [file] = attachments;
  return content || (file ? `📎 ${file.name}` : NOT_SHOWN);
}

/** The text of a message as its bubble shows it; empty where a file stands for itself. */
export function textOf(
  { attachments, deletedAt }: Pick<WireMessage, "attachments" | "deletedAt">,
  content: string,
): string {
  if (content === "" && attachments.length === 0 && deletedAt === null) return NOT_SHOWN;
  return content;
}
