import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Protocol } from "../conversation/outbound/subscribers/gateway-api.ts";

/**
 * Ids of connections: a random name, and a tag that is an HMAC of it under the Worker's key, so that nobody
 * else can name an object and wake it. Whoever has the id controls the connection; the name is public.
 */

const NAME_BYTES = 15;
const TAG_BYTES = 15;
/** Both as base64url, separated by a dot. */
const PATTERN = /^([\w-]{20})\.([\w-]{20})$/;

/** The id of a new connection, and the name of its object. */
export function newConnection(secret: string, protocol: Protocol): { id: string; name: string } {
  const name = randomBytes(NAME_BYTES).toString("base64url");
  return { id: `${name}.${tagOf(secret, protocol, name).toString("base64url")}`, name };
}

/** The name of the object of an id, or `undefined` when the Worker did not issue it. */
export function connectionNamed(
  secret: string,
  protocol: Protocol,
  id: string,
): string | undefined {
  const [, name, tag] = PATTERN.exec(id) ?? [];
  if (!name || !tag) return undefined;
  const given = Buffer.from(tag, "base64url");
  return timingSafeEqual(given, tagOf(secret, protocol, name)) ? name : undefined;
}

function tagOf(secret: string, protocol: Protocol, name: string): Buffer {
  const text = JSON.stringify(["connection", protocol, name]);
  return createHmac("sha256", secret).update(text).digest().subarray(0, TAG_BYTES);
}
