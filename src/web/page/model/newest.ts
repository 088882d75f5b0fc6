import type { WireMessage } from "../../../client/received.ts";

/** The newest message, as a list shows it. */
export type Newest = { senderId: string | null; text: string; at: string };

/** The author's name before a preview, where it is not obvious. */
export function authorIn(
  kind: "direct" | "group" | "channel",
  newest: Newest | null,
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
