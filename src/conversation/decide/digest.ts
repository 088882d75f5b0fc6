import { createHash } from "node:crypto";
import { parseMessageId } from "../../domain/id.ts";
import { mentionList, mentionsOf } from "../../domain/mentions.ts";
import type { Message } from "../../domain/message.ts";
import { withNewlines } from "../../domain/text.ts";
import type { Command } from "./types.ts";

/**
 * Distinguishes sends under the same `clientMessageId`. Computed from the message on demand; stored
 * only where the message does not equal what was sent: from its first edit or its deletion on,
 * with files, and where the before-send hook replaced its text. Without `silent`, which the version before does not store: the first send decides.
 */
export function digestOf(command: Extract<Command, { type: "send" }>): string {
  const { replyTo } = command;
  return digest({
    kind: command.kind,
    content: withNewlines(command.moderated?.original ?? command.content ?? "").trim(),
    replyTo: replyTo === undefined ? null : (parseMessageId(replyTo)?.number ?? replyTo),
    files: command.fingerprint ?? (command.attachments ?? []).map(({ key }) => key),
    metadata: command.metadata ?? null,
    mentions: mentionList(mentionsOf(command)),
  });
}

/** The digest of a message that still equals what was sent; `null` without a key. */
export function digestOfMessage(message: Message): string | null {
  if (message.clientMessageId === null) return null;
  const { kind, content, replyTo, metadata } = message;
  return digest({ kind, content, replyTo, files: [], metadata, mentions: mentionList(message) });
}

interface Canonical {
  kind: string;
  content: string;
  replyTo: number | string | null;
  files: string | string[];
  metadata: unknown;
  mentions: readonly string[];
}

function digest({ kind, content, replyTo, files, metadata, mentions }: Canonical): string {
  const canonical = [kind, content, replyTo, files, sorted(metadata)];
  // Messages without mentions have the digest of the versions before there were any.
  if (mentions.length > 0) canonical.push(mentions.toSorted());
  return createHash("sha256").update(JSON.stringify(canonical)).digest("base64url").slice(0, 22);
}

/** The value with the fields of every object in a fixed order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
