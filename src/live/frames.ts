import * as z from "zod";
import { MAX_ATTACHMENTS } from "../domain/message.ts";
import {
  clientMessageId,
  MAX_FRAME_ID,
  MAX_MESSAGE_ID,
  mentions,
  messageIds,
  metadata,
} from "./fields.ts";
import { MAX_FRAME_BYTES } from "./version.ts";

/** What a client may send: one schema for each `op`. Unknown fields are ignored. */

export const frameId = z.union([z.string().max(MAX_FRAME_ID), z.number()]).optional();
const messageId = z.string().max(MAX_MESSAGE_ID);
const content = z.string();
const mentioning = { mentions: mentions.nullish(), mentionsAll: z.boolean().nullish() };

export const sendFrame = z.object({
  op: z.literal("send"),
  id: frameId,
  content: content.optional(),
  clientMessageId: clientMessageId.optional(),
  replyTo: messageId.nullish(),
  attachments: z.array(z.string().max(256)).max(MAX_ATTACHMENTS).optional(),
  metadata: metadata.nullish(),
  ...mentioning,
  /** Nobody is notified. */
  silent: z.boolean().nullish(),
});
/** Mentions that are absent stay as they are. */
export const editFrame = z.object({
  op: z.literal("edit"),
  id: frameId,
  messageId,
  content,
  ...mentioning,
});
export const deleteFrame = z.object({ op: z.literal("delete"), id: frameId, messageId });
const reaction = { id: frameId, messageId, emoji: z.string().max(32) };
export const reactFrame = z.object({ op: z.literal("react"), ...reaction });
export const unreactFrame = z.object({ op: z.literal("unreact"), ...reaction });
export const readFrame = z.object({
  op: z.literal("read"),
  id: frameId,
  messageIds: messageIds(messageId),
  upTo: messageId.optional(),
});
export const typingFrame = z.object({ op: z.literal("typing"), id: frameId, active: z.boolean() });
export const historyFrame = z.object({
  op: z.literal("history"),
  id: frameId,
  before: messageId.optional(),
  after: messageId.optional(),
  around: messageId.optional(),
  limit: z.number().int().min(1).max(100).optional(),
});
export const syncFrame = z.object({
  op: z.literal("sync"),
  id: frameId,
  since: z.number().int().min(0),
});

/** Searches the conversation. The event `found` answers it. */
export const searchFrame = z.object({
  op: z.literal("search"),
  id: frameId,
  q: z.string().max(1_024),
  /** Only messages before this one: the cursor of the answer before. */
  before: messageId.optional(),
  limit: z.number().int().min(1).max(50).optional(),
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
  searchFrame,
]);
export type ClientFrame = z.infer<typeof clientFrame>;

export type FrameId = string | number | undefined;

/** Whether a client's frame exceeds {@link MAX_FRAME_BYTES}. */
export function tooLarge(data: string): boolean {
  // A UTF-16 unit is at most three bytes, so that most frames need no counting.
  if (data.length * 3 <= MAX_FRAME_BYTES) return false;
  return data.length > MAX_FRAME_BYTES || new TextEncoder().encode(data).length > MAX_FRAME_BYTES;
}
