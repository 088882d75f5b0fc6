import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/env.ts";
import { type Answer, type Caller, ORIGIN, type Socket, someone, tokenFor } from "../support.ts";

export const CONVERSATIONS = "/api/v1/chat/conversations";
export const DIRECT = `${CONVERSATIONS}/direct`;
export const GROUP = `${CONVERSATIONS}/group`;
export const MESSAGES = "/api/v1/chat/messages";
export const USERS = "/api/users";

/** The secrets of vitest.config.ts: the current one, and the older one during rotation. */
export const SECRET = "test-jwt-secret-0123456789abcdefghij";
export const OLDER_SECRET = "test-jwt-older-0123456789abcdefghij";

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** A well-formed id of a conversation that does not exist. */
export const NOBODYS = "3fa85f64-5717-8562-b3fc-2c0000000000";
/** A UUID of a version that no conversation id has. */
export const FOREIGN = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

/** The tests' environment with changes; `undefined` removes a binding. */
export function envWith(changes: Record<string, unknown>): Env {
  return { ...env, ...changes };
}

/** The answer of an app that runs in a changed environment. */
export function fetchWith(
  changes: Record<string, unknown>,
  path: string,
  init: RequestInit = {},
): Promise<Answer> {
  return fetchIn(envWith(changes), path, init);
}

/** As `fetchWith`, for an environment that several requests share, as those of an isolate do. */
export async function fetchIn(env: Env, path: string, init: RequestInit = {}): Promise<Answer> {
  const context = createExecutionContext();
  const request = new Request(ORIGIN + path, init);
  const response = await createApp().fetch(request, env, context);
  const text = await response.text();
  await waitOnExecutionContext(context);
  const body = text === "" ? undefined : JSON.parse(text);
  return { status: response.status, headers: response.headers, body };
}

/** A request of a caller, with the body unchanged. */
export function raw(
  caller: { token: string },
  method: string,
  body?: BodyInit,
  headers = {},
): RequestInit {
  return {
    method,
    headers: {
      Authorization: `Bearer ${caller.token}`,
      "Content-Type": "application/json",
      ...headers,
    },
    ...(body !== undefined && { body }),
  };
}

/**
 * A validly signed token with any claims, and with any HMAC algorithm; it expires in an hour unless
 * the claims have an expiry. Not made by a library, because libraries refuse to create invalid
 * tokens.
 */
export async function signed(
  claims: Record<string, unknown>,
  { secret = SECRET, alg = "HS256" } = {},
): Promise<string> {
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const unsigned = `${segment({ alg, typ: "JWT" })}.${segment({ exp, ...claims })}`;
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: alg.replace("HS", "SHA-") };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, [
    "sign",
  ]);
  const signature = await crypto.subtle.sign("HMAC", key, encoder.encode(unsigned));
  return `${unsigned}.${Buffer.from(signature).toString("base64url")}`;
}

/** A part of a token, encoded. */
export function segment(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** A user with a token who has never made a request. */
export async function stranger(name = "stranger"): Promise<{ userId: string; token: string }> {
  const userId = someone(name);
  return { userId, token: await tokenFor(userId) };
}

/** A caller's inbox entry of one conversation. */
export async function entryOf(caller: Caller, conversationId: string) {
  const { body } = await caller.get(CONVERSATIONS);
  return body.find((entry: { conversationId: string }) => entry.conversationId === conversationId);
}

/** A caller's messages of one conversation, newest first. */
export function page(caller: Caller, conversationId: string, query = ""): Promise<Answer> {
  return caller.get(`${MESSAGES}?conversationId=${conversationId}${query}`);
}

let commands = 0;
/** Executes a command over a socket; resolves to its ack. */
export function carryOut(socket: Socket, frame: object) {
  const id = `command-${++commands}`;
  socket.send({ ...frame, id });
  return socket.next("ack", (ack) => ack.id === id);
}

/** The paths of a validation error. */
export function pathsOf(answer: Answer): string[] {
  return answer.body.details.map((detail: { path: string }) => detail.path);
}
