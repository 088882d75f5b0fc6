import { createHash } from "node:crypto";
import { parseMessageId } from "../domain/id.ts";
import type { Command } from "./commands.ts";

/**
 * What tells a send from another one under the same `clientMessageId`: a digest of the canonical
 * command, kept with the message, so that later edits and deletions of it do not matter.
 * Synchronous, because a socket's commands keep the order in which they came. `null` without a key.
 */
export function digestOf(command: Command): string | null {
  if (command.type !== "send" || command.clientMessageId === undefined) return null;
  const reply = command.replyTo === undefined ? null : parseMessageId(command.replyTo);
  const canonical = JSON.stringify([
    command.kind,
    (command.content ?? "").replaceAll("\r\n", "\n").trim(),
    reply ? reply.number : (command.replyTo ?? null),
    command.fingerprint ?? (command.attachments ?? []).map((attachment) => attachment.key),
    sorted(command.metadata ?? null),
  ]);
  return createHash("sha256").update(canonical).digest("base64url").slice(0, 22);
}

/** The same value whatever the order in which an object's fields came. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
