import { fail, ok, type Result } from "../domain/error.ts";
import { MAX_CLIENT_MESSAGE_ID } from "../domain/message.ts";
import { detailsOf, MAX_FRAME_ID, MAX_MESSAGE_ID, PRINTABLE } from "./fields.ts";
import { type ClientFrame, clientFrame, type FrameId, frameId } from "./frames.ts";

/** Parses one object of a frame. On failure, `id` is the object's id if it is usable. */
export function parseFrame(line: string): Result<ClientFrame> & { id: FrameId } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { ...fail("invalid_frame", { message: "The frame is not JSON." }), id: undefined };
  }
  return frameIn(value);
}

/** The same of an object that is parsed already. */
export function frameIn(value: unknown): Result<ClientFrame> & { id: FrameId } {
  const plain = plainSend(value);
  if (plain) return { ...ok(plain), id: plain.id };
  const parsed = clientFrame.safeParse(value);
  if (parsed.success) return { ...ok(parsed.data), id: parsed.data.id };
  return { ...fail("invalid_frame", { details: detailsOf(parsed.error) }), id: idOf(value) };
}

function idOf(value: unknown): FrameId {
  if (typeof value !== "object" || value === null || !("id" in value)) return undefined;
  const parsed = frameId.safeParse(value.id);
  return parsed.success ? parsed.data : undefined;
}

/**
 * A `send` of a text without files, metadata and mentions that is not silent, which most frames are: as `sendFrame`
 * decodes it. The schema, which cannot be compiled in a Worker, takes 4 to 13 µs, this less than 1. `undefined`: it is
 * something else, or not valid, which the schema then tells.
 */
export function plainSend(value: unknown): Extract<ClientFrame, { op: "send" }> | undefined {
  if (!isObject(value) || value["op"] !== "send") return undefined;
  const { id, content, clientMessageId, replyTo, attachments, metadata } = value;
  const { mentions, mentionsAll, silent } = value;
  if (attachments !== undefined || metadata !== undefined) return undefined;
  if (mentions !== undefined || mentionsAll !== undefined || silent !== undefined) return undefined;
  if (id !== undefined && !isText(id, MAX_FRAME_ID) && !isNumber(id)) return undefined;
  if (content !== undefined && typeof content !== "string") return undefined;
  if (clientMessageId !== undefined && !isKey(clientMessageId)) return undefined;
  if (replyTo !== undefined && replyTo !== null && !isText(replyTo, MAX_MESSAGE_ID))
    return undefined;
  return { op: "send", id, content, clientMessageId, replyTo };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === "string" && value.length <= maxLength;
}

/** JSON has numbers that are read as infinite. */
function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function isKey(value: unknown): value is string {
  return isText(value, MAX_CLIENT_MESSAGE_ID) && PRINTABLE.test(value);
}
