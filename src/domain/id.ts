/**
 * Self-routing ids.
 *
 * A conversation and its messages share an 82-bit key; the last 40 bits are the message number, and
 * number 0 is the conversation itself. Written as a UUID version 8 (RFC 9562, section 5.8):
 *
 *     kkkkkkkk-kkkk-8kkk-vkkk-kknnnnnnnnnn     v = variant bits 10 and two bits of the key
 *
 * So a message id names the Durable Object that owns it with no lookup, and the ids of one
 * conversation sort in the order in which its messages were sent.
 */

/** The largest message number, 2^40 - 1. */
export const MAX_NUMBER = 2 ** 40 - 1;

/** Bytes of randomness or digest that a key is made of (82 bits of them are used). */
export const KEY_BYTES = 11;

const PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const NUMBER_DIGITS = 10;

export interface ParsedId {
  /** The conversation's id, lower case: the name of its Durable Object. */
  conversationId: string;
  /** 0 for the conversation itself, otherwise the message's number. */
  number: number;
}

/** The conversation id whose key is the first 82 bits of `bytes`. Throws on fewer than {@link KEY_BYTES}. */
export function conversationIdOf(bytes: Uint8Array): string {
  if (bytes.length < KEY_BYTES) throw new RangeError(`a key needs ${KEY_BYTES} bytes`);
  let bits = 0n;
  for (const byte of bytes.subarray(0, KEY_BYTES)) bits = (bits << 8n) | BigInt(byte);
  const key = bits >> 6n; // 88 bits read, 82 used
  const a = (key >> 34n) & 0xffff_ffff_ffffn;
  const b = (key >> 22n) & 0xfffn;
  const variant = 0b10_000000n | ((key >> 16n) & 0x3fn);
  const low = key & 0xffffn;
  const digits =
    hex(a, 12) + hex(0x8000n | b, 4) + hex(variant, 2) + hex(low, 4) + "0".repeat(NUMBER_DIGITS);
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join("-");
}

/**
 * The id derived from `parts` and a secret: the same for everyone with the same parts, unguessable
 * without the secret. The parts are encoded as JSON, so that `["ab","c"]` and `["a","bc"]` differ.
 */
export async function derivedConversationId(
  secret: string,
  parts: readonly string[],
): Promise<string> {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey(
    "raw",
    encoder.encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const digest = await crypto.subtle.sign("HMAC", key, encoder.encode(JSON.stringify(parts)));
  return conversationIdOf(new Uint8Array(digest));
}

/** The id of message `number` of a conversation. Throws outside 1…{@link MAX_NUMBER}. */
export function messageIdOf(conversationId: string, number: number): string {
  if (!Number.isInteger(number) || number < 1 || number > MAX_NUMBER) {
    throw new RangeError(`no message has the number ${number}`);
  }
  return conversationId.slice(0, -NUMBER_DIGITS) + number.toString(16).padStart(NUMBER_DIGITS, "0");
}

/** Parses an id in either case; `undefined` if it is malformed. */
export function parseId(text: string): ParsedId | undefined {
  const id = text.toLowerCase();
  if (!PATTERN.test(id)) return undefined;
  return {
    conversationId: id.slice(0, -NUMBER_DIGITS) + "0".repeat(NUMBER_DIGITS),
    number: Number.parseInt(id.slice(-NUMBER_DIGITS), 16),
  };
}

/** The conversation id in `text`, or `undefined`. Message ids are not accepted. */
export function parseConversationId(text: string): string | undefined {
  const parsed = parseId(text);
  return parsed?.number === 0 ? parsed.conversationId : undefined;
}

/** The message id in `text`, parsed, or `undefined`. Conversation ids are not accepted. */
export function parseMessageId(text: string): ParsedId | undefined {
  const parsed = parseId(text);
  return parsed && parsed.number > 0 ? parsed : undefined;
}

function hex(value: bigint, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
