import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { createApp } from "../../src/app.ts";
import { directPair, ORIGIN } from "../support.ts";
import { CONVERSATIONS, DIRECT, envWith, MESSAGES, USERS, UUID } from "./requests.ts";

/** Every header of an answer, by kind of answer: none is missing, and none is there besides. */

/** Of every answer but those of files and of a Worker that is not configured. */
const COMMON = {
  "access-control-expose-headers":
    "D1-Bookmark,RateLimit-Limit,RateLimit-Remaining,RateLimit-Reset,Retry-After,Server-Timing,Warning,X-Request-Id",
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "origin-agent-cluster": "?1",
  "referrer-policy": "no-referrer",
  "server-timing": expect.stringMatching(/^(object;dur=\d+, )?total;dur=\d+$/),
  "strict-transport-security": "max-age=15552000; includeSubDomains",
  vary: "Origin",
  "x-content-type-options": "nosniff",
  "x-dns-prefetch-control": "off",
  "x-download-options": "noopen",
  "x-frame-options": "SAMEORIGIN",
  "x-permitted-cross-domain-policies": "none",
  "x-request-id": expect.stringMatching(UUID),
  "x-xss-protection": "0",
};
const OF_JSON = { ...COMMON, "content-type": "application/json" };
const WITH_BOOKMARK = { ...OF_JSON, "d1-bookmark": expect.stringMatching(/^[0-9a-f-]{59}$/) };
const WITH_CREDENTIALS = { "access-control-allow-credentials": "true" };
const CACHED = {
  "cache-control": "public, max-age=300",
  etag: expect.stringMatching(/^"[\w-]{22}"$/),
};
const OF_PREFLIGHT = {
  ...COMMON,
  "access-control-allow-headers":
    "Authorization,Content-Type,Idempotency-Key,D1-Bookmark,X-Requested-With,X-SignalR-User-Agent",
  "access-control-allow-methods": "GET,POST,PUT,PATCH,DELETE",
  "access-control-max-age": "86400",
  vary: "Origin, Access-Control-Request-Headers",
};

const { alice, conversationId } = await directPair();
const reading = { headers: { Authorization: `Bearer ${alice.token}` } };
const writing = (body: unknown) => ({
  method: "POST",
  headers: { ...reading.headers, "Content-Type": "application/json" },
  body: typeof body === "string" ? body : JSON.stringify(body),
});
const preflight = {
  method: "OPTIONS",
  headers: { "Access-Control-Request-Method": "POST" },
};

interface Asking {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** What is asked, its status, its headers, and the settings that differ from the tests'. */
type Kind = [
  name: string,
  path: string,
  init: Asking,
  status: number,
  headers: Record<string, unknown>,
  settings?: Record<string, unknown>,
];

/** Refused to pages of other origins. */
const POLLING = "Socket.IO's polling";
/** Files have headers of their own. */
const FILE = "an invalid link to a file";
/** Answered before anything else. */
const UNCONFIGURED = "missing settings";

const KINDS: Kind[] = [
  [
    "a send",
    MESSAGES,
    writing({ conversationId, content: "hello" }),
    201,
    {
      ...OF_JSON,
      "ratelimit-limit": "100",
      "ratelimit-remaining": expect.stringMatching(/^\d+$/),
      "ratelimit-reset": expect.stringMatching(/^\d+$/),
    },
  ],
  ["a page", `${MESSAGES}?conversationId=${conversationId}`, reading, 200, OF_JSON],
  ["a read of D1", CONVERSATIONS, reading, 200, WITH_BOOKMARK],
  ["no token", CONVERSATIONS, {}, 401, { ...OF_JSON, "www-authenticate": "Bearer" }],
  ["a malformed body", DIRECT, writing("{"), 400, OF_JSON],
  ["an invalid body", DIRECT, writing({}), 400, OF_JSON],
  ["an invalid query", USERS, reading, 400, OF_JSON],
  ["no such route of an API", "/api/chat/a/b", reading, 404, OF_JSON],
  ["no such route", "/nowhere", {}, 404, OF_JSON],
  ["health", "/healthz", {}, 200, OF_JSON],
  ["the reference", "/openapi.json", {}, 200, { ...OF_JSON, ...CACHED }],
  [
    "a known reference",
    "/openapi.json",
    { headers: { "If-None-Match": "*" } },
    304,
    { ...COMMON, ...CACHED },
  ],
  [
    "the viewer",
    "/docs",
    {},
    200,
    {
      ...COMMON,
      "content-type": "text/html; charset=UTF-8",
      "content-security-policy": expect.stringMatching(/^default-src 'none'; /),
    },
  ],
  [
    "the page",
    "/",
    {},
    200,
    {
      ...COMMON,
      "cache-control": "no-cache",
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": expect.stringMatching(/^default-src 'none'; /),
    },
  ],
  ["no upgrade", `/live/${conversationId}`, {}, 426, { ...OF_JSON, upgrade: "websocket" }],
  [
    "SignalR's negotiation",
    "/hubs/chat/negotiate?negotiateVersion=1",
    { ...reading, method: "POST" },
    200,
    { ...OF_JSON, ...WITH_CREDENTIALS },
  ],
  [
    POLLING,
    "/socket.io/?EIO=4&transport=polling",
    {},
    200,
    { ...COMMON, ...WITH_CREDENTIALS, "content-type": "text/plain; charset=UTF-8" },
  ],
  ["a preflight", MESSAGES, preflight, 204, OF_PREFLIGHT],
  [
    "a preflight of SignalR's",
    "/hubs/chat/negotiate",
    preflight,
    204,
    { ...OF_PREFLIGHT, ...WITH_CREDENTIALS },
  ],
  [
    FILE,
    "/uploads/chat/x?signature=x",
    {},
    403,
    {
      "content-type": "application/json",
      vary: "Origin",
      "x-request-id": expect.stringMatching(UUID),
    },
  ],
  [
    UNCONFIGURED,
    "/healthz",
    {},
    503,
    { "content-type": "application/json", "x-request-id": expect.stringMatching(UUID) },
    { JWT_SECRET: undefined },
  ],
];

/** An answer's status and headers. */
async function answerTo(
  path: string,
  init: Asking,
  settings: Record<string, unknown>,
  origin?: string,
) {
  const context = createExecutionContext();
  const headers = { ...init.headers, ...(origin !== undefined && { Origin: origin }) };
  const request = new Request(ORIGIN + path, { ...init, headers });
  const response = await createApp().fetch(request, envWith(settings), context);
  await response.body?.cancel();
  await waitOnExecutionContext(context);
  return { status: response.status, headers: Object.fromEntries(response.headers) };
}

/** What is added for a page of the Worker's own origin. */
function forOwnPage(name: string, headers: Record<string, unknown>): Record<string, unknown> {
  const allowed = { ...headers, "access-control-allow-origin": ORIGIN };
  if (name === UNCONFIGURED) return headers;
  if (name !== FILE) return allowed;
  const exposed = "Content-Disposition,Content-Range,ETag,X-Request-Id";
  return { ...allowed, "access-control-expose-headers": exposed };
}

describe.each(KINDS)("%s", (name, path, init, status, headers, settings = {}) => {
  test("to a client that is no page", async () => {
    expect(await answerTo(path, init, settings)).toEqual({ status, headers });
  });

  test("to a page of the Worker's own origin", async () => {
    const answer = await answerTo(path, init, settings, ORIGIN);
    expect(answer).toEqual({ status, headers: forOwnPage(name, headers) });
  });

  test("to a page of another origin", async () => {
    const answer = await answerTo(path, init, settings, "https://elsewhere.test");
    const refused = { status: 403, headers: { ...headers, "content-type": "application/json" } };
    expect(answer).toEqual(name === POLLING ? refused : { status, headers });
  });
});
