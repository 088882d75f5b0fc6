import type { Attachment } from "./attachment.ts";
import type { Metadata } from "./conversation.ts";
import { type Mentions, mentionsInList } from "./mentions.ts";
import { MESSAGE_KINDS, type MessageKind } from "./message.ts";
import type { ReactionSummary } from "./reaction.ts";

/**
 * Reads what is stored of a message as JSON or as one of a list of names, in a conversation's object and in D1. Whatever an
 * older, a newer or a broken writer left there, reading never throws: unknown fields are ignored, missing
 * ones get a default, and an element without what makes it one is left out.
 */

/** The value of stored JSON; `undefined` where it is none. */
export function parsed(json: string | null): unknown {
  if (json === null) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Stored attachments. One without a key cannot be served, and is left out. */
export function attachmentsIn(value: unknown): Attachment[] {
  return listIn(value).flatMap(({ key, name, mimeType, size, width, height }) => {
    if (typeof key !== "string" || key === "") return [];
    const hasPixels = isCount(width) && isCount(height);
    return [
      {
        key,
        name: typeof name === "string" && name !== "" ? name : key,
        mimeType: typeof mimeType === "string" ? mimeType : "application/octet-stream",
        size: isCount(size) ? size : 0,
        ...(hasPixels && { width, height }),
      },
    ];
  });
}

/** Stored reactions. One without an emoji or a count is left out. */
export function reactionsIn(value: unknown): ReactionSummary[] {
  return listIn(value).flatMap(({ emoji, count, userIds }) => {
    if (typeof emoji !== "string" || !isCount(count)) return [];
    const named = Array.isArray(userIds) ? userIds : [];
    return [{ emoji, count, userIds: named.filter((userId) => typeof userId === "string") }];
  });
}

/** Stored mentions, as one list. */
export function mentionsIn(value: unknown): Mentions {
  if (!Array.isArray(value)) return {};
  return mentionsInList(value.filter((userId) => typeof userId === "string"));
}

/** The stored kind of a message. One that is not known here is shown as text. */
export function kindIn(value: unknown): MessageKind {
  return MESSAGE_KINDS.find((kind) => kind === value) ?? "text";
}

/** Stored metadata: an object, or `null`. */
export function metadataIn(value: unknown): Metadata | null {
  return isRecord(value) ? value : null;
}

function listIn(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
