import * as z from "zod";
import type { ErrorDetail } from "../domain/error.ts";
import { MAX_MENTIONS } from "../domain/mentions.ts";
import { MAX_CLIENT_MESSAGE_ID, metadataFits } from "../domain/message.ts";
import { isUserId, normalizedUserId } from "../domain/person.ts";

/** Schemas of fields that sockets, gateways and REST share. */

/** Characters of a frame's id. */
export const MAX_FRAME_ID = 128;
/** Characters of a message id that a client names. */
export const MAX_MESSAGE_ID = 64;

/** Printable ASCII without spaces. */
export const PRINTABLE = /^[\x21-\x7e]+$/;

/** A key for retries: printable ASCII, chosen by the client. */
export const clientMessageId = z
  .string()
  .min(1)
  .max(MAX_CLIENT_MESSAGE_ID)
  .regex(PRINTABLE, "only printable ASCII without spaces");

/** A JSON object of at most 8 KiB and 32 levels. */
export const metadata = z
  .record(z.string(), z.unknown())
  .refine(metadataFits, "at most 8 KiB as JSON, and 32 levels");

/** Whom a message mentions: at most 50 different people. */
export const mentions = z
  .array(z.string().refine(isUserId, "1 to 128 printable characters"))
  .max(MAX_MENTIONS)
  .refine((ids) => new Set(ids.map(normalizedUserId)).size === ids.length, "each person once");

/** The messages that one read mark names: at most 500. */
export function messageIds<Schema extends z.ZodType>(one: Schema) {
  return z.array(one).max(500).optional();
}

/** A validation error as details: the path of each wrong field and what is wrong with it; at most ten. */
export function detailsOf(error: z.ZodError): ErrorDetail[] {
  return error.issues
    .slice(0, 10)
    .map((issue) => ({ path: issue.path.join("."), message: issue.message }));
}
