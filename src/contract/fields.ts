import { z } from "@hono/zod-openapi";
import { MAX_TITLE_LENGTH } from "../domain/conversation.ts";
import { isUserId, normalizedUserId } from "../domain/person.ts";
import {
  codePoints,
  hasControlCharacters,
  hasSpoofingCharacters,
  withNewlines,
} from "../domain/text.ts";
import { clientMessageId, mentions } from "../live/fields.ts";

/** Schemas of request fields that both dialects share. */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * An id in a query or a body. Anything but a UUID is invalid; an unknown UUID is not found later.
 */
export const uuid = z
  .string()
  .regex(UUID, "not a UUID")
  // Patterns in JSON Schema have no flags.
  .openapi({ format: "uuid", pattern: UUID.source.replaceAll("a-f", "a-fA-F") });

/** An id assigned by the host application: opaque, stored unchanged. */
export const hostId = z
  .string()
  .refine(isUserId, "1 to 128 printable characters")
  .openapi({ minLength: 1, maxLength: 128 });

/** A user id in a body or a query, normalized. */
export const userId = hostId.transform(normalizedUserId).openapi({ minLength: 1, maxLength: 128 });

/** A user id in a path: an impossible one is unknown rather than invalid. */
export const pathUserId = z.string().transform(normalizedUserId);

/**
 * A name or title: one line of text, trimmed, `min` to `max` code points, without control
 * characters and spoofing characters.
 */
export function line(max: number, min = 0) {
  return z
    .string()
    .refine((text) => !hasSpoofingCharacters(text), "characters that change how a name looks")
    .pipe(paragraph(max, min).refine((text) => !/[\n\t]/.test(text), "only one line"))
    .openapi({ minLength: min, maxLength: max });
}

/**
 * A text of several lines, likewise trimmed and bounded. Line breaks become `\n`; any text
 * direction is allowed, as in messages.
 */
export function paragraph(max: number, min = 0) {
  return z
    .string()
    .transform(withNewlines)
    .refine((text) => !hasControlCharacters(text) && text.isWellFormed(), "control characters")
    .transform((text) => text.trim())
    .refine((text) => codePoints(text) <= max, `at most ${max} characters`)
    .refine((text) => codePoints(text) >= min, `at least ${min} characters`)
    .openapi({ minLength: min, maxLength: max });
}

export const title = line(MAX_TITLE_LENGTH);

/** An optional field of a body; `null` means absent. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** Whom a message mentions, in a body: people, and everybody. Beyond the references. */
export const mentioning = { mentions: optional(mentions), mentionsAll: optional(z.boolean()) };

/** Of a send: nobody is notified. Beyond the references. */
export const silent = optional(z.boolean());

/** An optional field with a default. */
export function optionalOr<Schema extends z.ZodType>(schema: Schema, fallback: z.output<Schema>) {
  return schema
    .nullish()
    .transform((value) => value ?? fallback)
    .openapi({ default: fallback });
}

/** A whole number in a query. */
export function wholeNumber(fallback: number, min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,16}$/, "not a whole number")
    .default(String(fallback))
    .transform(Number)
    .pipe(z.number().int().min(min).max(max))
    .openapi({ type: "integer", minimum: min, maximum: max, default: fallback });
}

/** The bot that a service acts as, which `edge/acting-as.ts` reads. */
const actingAs = z.string().optional().openapi({
  description: "For services: the id of the bot that they act as, percent-encoded",
});
export const actingHeader = z.object({ "acting-as": actingAs });

/** The header alternative to `clientMessageId` in the body. */
export const idempotencyHeader = actingHeader.extend({
  "idempotency-key": clientMessageId.optional(),
});

/** Of creations, which `edge/creation.ts` reads. */
export const creationHeader = z.object({
  "idempotency-key": z.string().optional().openapi({
    description: "For services: the same key and request find what was created",
  }),
});
