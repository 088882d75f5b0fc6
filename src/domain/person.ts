import { codePoints } from "./text.ts";

/** Code points of a user id. */
export const MAX_USER_ID_LENGTH = 128;
/** Code points of a person's name. */
export const MAX_NAME_LENGTH = 200;

/** Printable: letters, digits, punctuation, symbols and inner spaces. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text can be a user id: opaque, 1 to 128 printable characters. */
export function isUserId(text: string): boolean {
  return codePoints(text) <= MAX_USER_ID_LENGTH && PRINTABLE.test(text) && text.trim() === text;
}

/**
 * A user id as it is stored and compared: a UUID in lower case (RFC 9562, section 4), any other
 * unchanged. Every user id from outside is normalized by it.
 */
export function normalizedUserId(userId: string): string {
  return UUID.test(userId) ? userId.toLowerCase() : userId;
}

/** What ids of nobody begin with. */
export const ERASED_PREFIX = "erased-";
const ERASED = /^erased-[0-9a-f]{16}$/;
/** The same as a condition in SQL of a column. */
export function isErasedColumn(column: string): string {
  return `(length(${column}) = 23 AND substr(${column}, 1, 7) = 'erased-'
    AND trim(substr(${column}, 8), '0123456789abcdef') = '')`;
}

/** A new id that stands for somebody who was erased; `random`: eight bytes. */
export function erasedUserId(random: Uint8Array): string {
  return `erased-${[...random].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Whether an id stands for somebody who was erased. No token may have such a one. */
export function isErasedUserId(userId: string): boolean {
  return ERASED.test(userId);
}
