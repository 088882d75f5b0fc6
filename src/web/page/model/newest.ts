import type { WireMessage } from "../../../live/events.ts";

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
    const text = message.content || `📎 ${message.attachments[0]?.name ?? "File"}`;
    return { senderId: message.senderId, text, at: message.createdAt };
  }
  return undefined;
}
