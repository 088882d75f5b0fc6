import * as z from "zod";
import { fail, ok, type Result } from "../domain/error.ts";
import { isUserId, normalizedUserId } from "../domain/person.ts";
import { MAX_WATCHED } from "../domain/presence.ts";
import { detailsOf } from "./fields.ts";
import type { FrameId } from "./frames.ts";

/** What a client may send over an inbox socket: one schema for each `op`. Unknown fields are ignored. */

const id = z.union([z.string().max(128), z.number()]).optional();
const conversationId = z.string().max(64);

/** Requests the rows after a page; without `after`, the first page. */
export const listFrame = z.object({
  op: z.literal("list"),
  id,
  /** The `next` of the page before. */
  after: z.string().max(256).optional(),
});
/** Marks everything as read, or everything up to a message. */
export const readFrame = z.object({
  op: z.literal("read"),
  id,
  conversationId,
  upTo: z.string().max(64).optional(),
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

export const inboxFrame = z.discriminatedUnion("op", [
  listFrame,
  readFrame,
  archiveFrame,
  watchFrame,
  unwatchFrame,
  setFrame,
]);
export type InboxFrame = z.infer<typeof inboxFrame>;

/** Parses one object of a frame. On failure, `id` is the object's id if it is usable. */
export function parseInboxFrame(line: string): Result<InboxFrame> & { id: FrameId } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { ...fail("invalid_frame", { message: "The frame is not JSON." }), id: undefined };
  }
  const parsed = inboxFrame.safeParse(value);
  if (parsed.success) return { ...ok(parsed.data), id: parsed.data.id };
  return { ...fail("invalid_frame", { details: detailsOf(parsed.error) }), id: idOf(value) };
}

function idOf(value: unknown): FrameId {
  if (typeof value !== "object" || value === null || !("id" in value)) return undefined;
  const parsed = id.safeParse(value.id);
  return parsed.success ? parsed.data : undefined;
}
