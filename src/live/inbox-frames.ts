import * as z from "zod";
import { fail, ok, type Result } from "../domain/error.ts";
import { isUserId, normalizedUserId } from "../domain/person.ts";
import { MAX_WATCHED } from "../domain/presence.ts";
import { detailsOf } from "./fields.ts";
import { type ClientFrame, clientFrame, type FrameId } from "./frames.ts";
import { frameIn } from "./parse-frame.ts";

/**
 * What a client may send over an inbox socket: one schema for each `op`, and the frames of the native
 * protocol with a `conversationId`. Unknown fields are ignored.
 */

const id = z.union([z.string().max(128), z.number()]).optional();
const conversationId = z.string().max(64);

/** Characters of the place behind a page. */
export const MAX_PLACE = 256;

/** Requests the rows after a page; without `after`, the first page. */
export const listFrame = z.object({
  op: z.literal("list"),
  id,
  /** The `next` of the page before. */
  after: z.string().max(MAX_PLACE).optional(),
});
export const archiveFrame = z.object({
  op: z.literal("archive"),
  id,
  conversationId,
  archived: z.boolean(),
});
const userIds = z
  .array(z.string().refine(isUserId, "no user id").transform(normalizedUserId))
  .min(1)
  .max(MAX_WATCHED);
/** Requests the presence of users, now and whenever it changes. */
export const watchFrame = z.object({ op: z.literal("watch"), id, userIds });
export const unwatchFrame = z.object({ op: z.literal("unwatch"), id, userIds });
/** Changes settings of the user. */
export const setFrame = z.object({ op: z.literal("set"), id, invisible: z.boolean() });

/** Opens a conversation over this socket: from now on frames of `clientFrame` may name it. */
export const openFrame = z.object({
  op: z.literal("open"),
  id,
  conversationId,
  /** The revision that the client has, and the epoch it belongs to. */
  since: z.number().int().min(0).optional(),
  epoch: z.string().max(64).optional(),
});
export type OpenFrame = z.infer<typeof openFrame>;
export const closeFrame = z.object({ op: z.literal("close"), id, conversationId });
export type CloseFrame = z.infer<typeof closeFrame>;

export const inboxFrame = z.discriminatedUnion("op", [
  listFrame,
  archiveFrame,
  watchFrame,
  unwatchFrame,
  setFrame,
  openFrame,
  closeFrame,
]);
/** A frame of the native protocol, for one conversation. */
export interface RoomFrame {
  op: "in conversation";
  conversationId: string;
  frame: ClientFrame;
}
export type InboxFrame = z.infer<typeof inboxFrame> | RoomFrame;

const ROOM_OPS = new Set<unknown>(clientFrame.options.map(({ shape }) => shape.op.value));
const inConversation = z.object({ conversationId });

/** Parses one object of a frame. On failure, `id` is the object's id if it is usable. */
export function parseInboxFrame(line: string): Result<InboxFrame> & { id: FrameId } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { ...fail("invalid_frame", { message: "The frame is not JSON." }), id: undefined };
  }
  if (isForConversation(value)) return roomFrameIn(value);
  const parsed = inboxFrame.safeParse(value);
  if (parsed.success) return { ...ok(parsed.data), id: parsed.data.id };
  return { ...fail("invalid_frame", { details: detailsOf(parsed.error) }), id: idOf(value) };
}

function isForConversation(value: unknown): boolean {
  return typeof value === "object" && value !== null && "op" in value && ROOM_OPS.has(value.op);
}

function roomFrameIn(value: unknown): Result<InboxFrame> & { id: FrameId } {
  const named = inConversation.safeParse(value);
  if (!named.success) {
    return { ...fail("invalid_frame", { details: detailsOf(named.error) }), id: idOf(value) };
  }
  const read = frameIn(value);
  if (!read.ok) return read;
  const { conversationId } = named.data;
  return { ...ok({ op: "in conversation", conversationId, frame: read.value }), id: read.id };
}

function idOf(value: unknown): FrameId {
  if (typeof value !== "object" || value === null || !("id" in value)) return undefined;
  const parsed = id.safeParse(value.id);
  return parsed.success ? parsed.data : undefined;
}
