import type { Attachment } from "./attachment.ts";
import { MAX_METADATA_BYTES, type Metadata } from "./conversation.ts";
import { ERRORS, type Failure, fail, ok, type Result } from "./error.ts";
import type { ReactionSummary } from "./reaction.ts";
import { codePoints, hasControlCharacters, withNewlines } from "./text.ts";

export const MESSAGE_KINDS = ["text", "file", "image", "video", "system"] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** Characters of a `clientMessageId`. */
export const MAX_CLIENT_MESSAGE_ID = 128;
/** Files of one message. */
export const MAX_ATTACHMENTS = 10;

/** One message as its conversation keeps it. Times are milliseconds since the epoch. */
export interface Message {
  number: number;
  /** The revision that last changed it. */
  rev: number;
  /** `null`: the system wrote it. */
  senderId: string | null;
  kind: MessageKind;
  content: string;
  /** The number of the message that this one answers. */
  replyTo: number | null;
  attachments: Attachment[];
  reactions: ReactionSummary[];
  metadata: Metadata | null;
  clientMessageId: string | null;
  createdAt: number;
  /** What the server's clock said when it was sent, where that was behind `createdAt`, which never runs backwards. */
  clockAt?: number;
  editedAt: number | null;
  deletedAt: number | null;
}

/** That somebody has read a message, and when. */
export interface Receipt {
  userId: string;
  readAt: number;
}

/** Whether a message counts: for unread totals, as the last message and in statistics. */
export function isCountable(message: Pick<Message, "senderId" | "deletedAt">): boolean {
  return message.senderId !== null && message.deletedAt === null;
}

/**
 * Trimmed text, or why it cannot be a message: lengths count Unicode code points after trimming,
 * text of white space alone is empty. Lines end with `\n` in it.
 */
export function contentOf(text: string, maxLength: number): Result<string> {
  const caption = captionOf(text, maxLength);
  return caption.ok && caption.value === "" ? refused("empty_content") : caption;
}

/** The same for a text that may be absent: `""` when nothing is left of it. */
export function captionOf(text: string | undefined, maxLength: number): Result<string> {
  const lines = withNewlines(text ?? "");
  if (hasControlCharacters(lines)) return refused("control_characters");
  if (!lines.isWellFormed()) {
    return refused("control_characters", "The text is not well-formed Unicode.");
  }
  const trimmed = lines.trim();
  if (codePoints(trimmed) > maxLength) {
    const message = `The text is too long: at most ${maxLength} characters are accepted.`;
    return refused("content_too_long", message);
  }
  return ok(trimmed);
}

/** As every validation error, it says where. */
function refused(
  code: "empty_content" | "content_too_long" | "control_characters",
  message: string = ERRORS[code][1],
): Failure {
  return fail(code, { message, details: [{ path: "content", message }] });
}

/** Levels of objects and lists that metadata may nest: deeper values cannot cross between objects. */
export const MAX_METADATA_DEPTH = 32;

/** Whether metadata stays under {@link MAX_METADATA_BYTES} as JSON, and {@link MAX_METADATA_DEPTH}. */
export function metadataFits(metadata: Metadata): boolean {
  if (!nestsWithin(metadata, MAX_METADATA_DEPTH)) return false;
  return new TextEncoder().encode(JSON.stringify(metadata)).length <= MAX_METADATA_BYTES;
}

function nestsWithin(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => nestsWithin(inner, levels - 1));
}

/**
 * Whether an edit comes in time, by the server's clock. `windowMs` is a setting; the references say 15
 * minutes. What was sent while the clock was ahead stays open for so much longer, and nothing else does.
 */
export function withinEditWindow(
  message: Pick<Message, "createdAt" | "clockAt">,
  windowMs: number,
  clock: number,
): boolean {
  return clock - (message.clockAt ?? message.createdAt) <= windowMs;
}
