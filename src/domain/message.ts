import type { Attachment } from "./attachment.ts";
import { MAX_METADATA_BYTES, type Metadata } from "./conversation.ts";
import { ERRORS, type Failure, fail, ok, type Result } from "./error.ts";
import type { Mentions } from "./mentions.ts";
import type { ReactionSummary } from "./reaction.ts";
import { codePoints, hasControlCharacters, withNewlines } from "./text.ts";

export const MESSAGE_KINDS = ["text", "file", "image", "video", "system"] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** Characters of a `clientMessageId`. */
export const MAX_CLIENT_MESSAGE_ID = 128;
/** Files of one message. */
export const MAX_ATTACHMENTS = 10;

/** A message. Times are milliseconds since the epoch. */
export interface Message extends Mentions {
  number: number;
  /** The revision that last changed it. */
  rev: number;
  /** `null`: the system. */
  senderId: string | null;
  kind: MessageKind;
  content: string;
  /** The number of the message that this one replies to. */
  replyTo: number | null;
  attachments: Attachment[];
  reactions: ReactionSummary[];
  metadata: Metadata | null;
  /** Nobody is notified of it, those whom it mentions included. */
  silent?: true;
  /** Its reader hides its sender: nothing of it is shown but that it is there. Never stored. */
  hidden?: true;
  clientMessageId: string | null;
  createdAt: number;
  /** The server's clock at the send, if that was before `createdAt`, which never decreases. */
  clockAt?: number;
  editedAt: number | null;
  deletedAt: number | null;
  /** Who deleted it, where that was not its author. */
  deletedBy?: string;
}

/** That a user has read a message, and when. */
export interface Receipt {
  userId: string;
  readAt: number;
}

/** Whether a message counts: in unread totals, as the last message and in statistics. */
export function isCountable(message: Pick<Message, "senderId" | "deletedAt">): boolean {
  return message.senderId !== null && message.deletedAt === null;
}

/**
 * The trimmed text of a message, or why it is invalid. Lengths count Unicode code points after
 * trimming; white space alone is empty. Line breaks become `\n`.
 */
export function contentOf(text: string, maxLength: number): Result<string> {
  const caption = captionOf(text, maxLength);
  return caption.ok && caption.value === "" ? refused("empty_content") : caption;
}

/** The same for an optional text: `""` if nothing is left. */
export function captionOf(text: string | undefined, maxLength: number): Result<string> {
  const lines = withNewlines(text ?? "");
  if (hasControlCharacters(lines)) return refused("control_characters");
  if (!lines.isWellFormed()) {
    return refused("control_characters", "The text is not well-formed Unicode.");
  }
  const trimmed = lines.trim();
  // A code point is at least one UTF-16 unit, so that most texts need no counting.
  if (trimmed.length > maxLength && codePoints(trimmed) > maxLength) {
    const message = `The text is too long: at most ${maxLength} characters are accepted.`;
    return refused("content_too_long", message);
  }
  return ok(trimmed);
}

/** With details, as every validation error. */
function refused(
  code: "empty_content" | "content_too_long" | "control_characters",
  message: string = ERRORS[code][1],
): Failure {
  return fail(code, { message, details: [{ path: "content", message }] });
}

/** Levels of nesting in metadata: deeper values cannot be passed over RPC. */
export const MAX_METADATA_DEPTH = 32;

/** Whether metadata fits {@link MAX_METADATA_BYTES} as JSON, and {@link MAX_METADATA_DEPTH}. */
export function metadataFits(metadata: Metadata): boolean {
  if (!nestsWithin(metadata, MAX_METADATA_DEPTH)) return false;
  return new TextEncoder().encode(JSON.stringify(metadata)).length <= MAX_METADATA_BYTES;
}

function nestsWithin(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => nestsWithin(inner, levels - 1));
}

/**
 * Whether a message may still be edited, by the server's clock. `windowMs` is a setting; the
 * references have 15 minutes. Only for a message sent while the clock was ahead, `clockAt` counts
 * instead of `createdAt`.
 */
export function withinEditWindow(
  message: Pick<Message, "createdAt" | "clockAt">,
  windowMs: number,
  clock: number,
): boolean {
  return clock - (message.clockAt ?? message.createdAt) <= windowMs;
}
