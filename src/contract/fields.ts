import { z } from "@hono/zod-openapi";
import { MAX_TITLE_LENGTH } from "../domain/conversation.ts";
import { isUserId, normalizedUserId } from "../domain/person.ts";
import {
  codePoints,
  hasControlCharacters,
  hasSpoofingCharacters,
  withNewlines,
} from "../domain/text.ts";
import { clientMessageId } from "../live/fields.ts";

/** What both dialects ask of a request's fields. */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** An id in a query or a body: what is no UUID is refused, and a UUID that names nothing is not found later. */
export const uuid = z
  .string()
  .regex(UUID, "not a UUID")
  // JSON Schema's patterns have no flags.
  .openapi({ format: "uuid", pattern: UUID.source.replaceAll("a-f", "a-fA-F") });

/** An id that the host application has given something: opaque, and kept as it is. */
export const hostId = z
  .string()
  .refine(isUserId, "1 to 128 printable characters")
  .openapi({ minLength: 1, maxLength: 128 });

/** A user id in a body or a query, as it is compared. */
export const userId = hostId.transform(normalizedUserId).openapi({ minLength: 1, maxLength: 128 });

/** The same in a path, where an id that nobody has is nobody's rather than wrong. */
export const pathUserId = z.string().transform(normalizedUserId);

/**
 * A name, a title: one line of text, trimmed, `min` to `max` code points, without control characters
 * and those by which it would look like another.
 */
export function line(max: number, min = 0) {
  return z
    .string()
    .refine((text) => !hasSpoofingCharacters(text), "characters that change how a name looks")
    .pipe(paragraph(max, min).refine((text) => !/[\n\t]/.test(text), "only one line"))
    .openapi({ minLength: min, maxLength: max });
}

/**
 * A text of several lines, likewise trimmed and bounded; lines end with `\n`, whatever they were sent with.
 * As in messages, any direction of writing is kept.
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

/** A field of a body that may be left out: `null` is as if it had been. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** The same where leaving it out means something: `fallback`. */
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

/** The header that carries a `clientMessageId` for those who would not put it into the body. */
export const idempotencyHeader = z.object({ "idempotency-key": clientMessageId.optional() });
