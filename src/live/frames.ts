import * as z from "zod";
import { fail, ok, type Result } from "../domain/error.ts";
import { MAX_ATTACHMENTS } from "../domain/message.ts";
import { clientMessageId, detailsOf, messageIds, metadata } from "./fields.ts";
import { MAX_FRAME_BYTES } from "./version.ts";

/** What a client may send: one schema for each `op`. Unknown fields are ignored. */

const id = z.union([z.string().max(128), z.number()]).optional();
const messageId = z.string().max(64);
const content = z.string();

export const sendFrame = z.object({
  op: z.literal("send"),
  id,
  content: content.optional(),
  clientMessageId: clientMessageId.optional(),
  replyTo: messageId.nullish(),
  attachments: z.array(z.string().max(256)).max(MAX_ATTACHMENTS).optional(),
  metadata: metadata.nullish(),
});
export const editFrame = z.object({ op: z.literal("edit"), id, messageId, content });
export const deleteFrame = z.object({ op: z.literal("delete"), id, messageId });
const reaction = { id, messageId, emoji: z.string().max(32) };
export const reactFrame = z.object({ op: z.literal("react"), ...reaction });
export const unreactFrame = z.object({ op: z.literal("unreact"), ...reaction });
export const readFrame = z.object({
  op: z.literal("read"),
  id,
  messageIds: messageIds(messageId),
  upTo: messageId.optional(),
});
export const typingFrame = z.object({ op: z.literal("typing"), id, active: z.boolean() });
export const historyFrame = z.object({
  op: z.literal("history"),
  id,
  before: messageId.optional(),
  after: messageId.optional(),
  around: messageId.optional(),
  limit: z.number().int().min(1).max(100).optional(),
});
export const syncFrame = z.object({
  op: z.literal("sync"),
  id,
  since: z.number().int().min(0),
});

export const clientFrame = z.discriminatedUnion("op", [
  sendFrame,
  editFrame,
  deleteFrame,
  reactFrame,
  unreactFrame,
  readFrame,
  typingFrame,
  historyFrame,
  syncFrame,
]);
export type ClientFrame = z.infer<typeof clientFrame>;

export type FrameId = string | number | undefined;

/** Parses one object of a frame. On failure, `id` is the object's id if it is usable. */
export function parseFrame(line: string): Result<ClientFrame> & { id: FrameId } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { ...fail("invalid_frame", { message: "The frame is not JSON." }), id: undefined };
  }
  const parsed = clientFrame.safeParse(value);
  if (parsed.success) return { ...ok(parsed.data), id: parsed.data.id };
  return { ...fail("invalid_frame", { details: detailsOf(parsed.error) }), id: idOf(value) };
}

function idOf(value: unknown): FrameId {
  if (typeof value !== "object" || value === null || !("id" in value)) return undefined;
  const parsed = id.safeParse(value.id);
  return parsed.success ? parsed.data : undefined;
}

/** Whether a client's frame exceeds {@link MAX_FRAME_BYTES}. */
export function tooLarge(data: string): boolean {
  // A UTF-16 unit is at most three bytes, so that most frames need no counting.
  if (data.length * 3 <= MAX_FRAME_BYTES) return false;
  return data.length > MAX_FRAME_BYTES || new TextEncoder().encode(data).length > MAX_FRAME_BYTES;
}
