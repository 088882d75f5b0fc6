import { expect, test } from "vitest";
import { directPair, fetchJson } from "../support.ts";
import { CONVERSATIONS, DIRECT, MESSAGES, NOBODYS, raw } from "./requests.ts";

/** Of several faults of a request, the one that is answered: the first of this order. */

const CHAT = "/api/chat";
const { alice } = await directPair();
const TOO_LARGE = "x".repeat(300_000);
const NOT_UTF8 = new Uint8Array([0xff]);
const BAD_KEY = { "Idempotency-Key": "has space" };
const BAD_TYPE = { "Content-Type": "text/plain" };

type Fault = [
  name: string,
  method: string,
  path: string,
  body: BodyInit | undefined,
  headers: Record<string, string>,
  status: number,
  code: string,
  /** The invalid fields that are named. */
  paths?: string[],
];

test.each<Fault>([
  [
    "the token before all else",
    "POST",
    MESSAGES,
    TOO_LARGE,
    { Authorization: "Bearer x" },
    401,
    "unauthenticated",
  ],
  [
    "the token before the route",
    "GET",
    "/api/v1/chat/nowhere",
    undefined,
    { Authorization: "" },
    401,
    "unauthenticated",
  ],
  ["the size before the type", "POST", MESSAGES, TOO_LARGE, BAD_TYPE, 413, "payload_too_large"],
  ["the type before the text", "POST", MESSAGES, NOT_UTF8, BAD_TYPE, 415, "unsupported_media_type"],
  [
    "the type before the header",
    "POST",
    MESSAGES,
    "{}",
    { ...BAD_KEY, ...BAD_TYPE },
    415,
    "unsupported_media_type",
  ],
  ["the text before the header", "POST", MESSAGES, NOT_UTF8, BAD_KEY, 400, "malformed_json"],
  [
    "the header before the syntax",
    "POST",
    MESSAGES,
    "{",
    BAD_KEY,
    400,
    "invalid_request",
    ["idempotency-key"],
  ],
  [
    "the header before the body",
    "POST",
    `${CHAT}/${NOBODYS}/messages`,
    '{"content":1}',
    BAD_KEY,
    400,
    "invalid_request",
    ["idempotency-key"],
  ],
  [
    "all fields of a body at once, in its schema's order",
    "POST",
    MESSAGES,
    '{"content":1,"conversationId":"x","clientMessageId":" "}',
    {},
    400,
    "invalid_request",
    ["conversationId", "content", "clientMessageId"],
  ],
  [
    "the body before what is named",
    "POST",
    `${CHAT}/${NOBODYS}/messages`,
    "{}",
    {},
    400,
    "invalid_request",
    ["content"],
  ],
  [
    "the content before what is named",
    "POST",
    MESSAGES,
    JSON.stringify({ conversationId: NOBODYS, content: " " }),
    {},
    400,
    "empty_content",
    ["content"],
  ],
  [
    "the query before what is named",
    "GET",
    `${MESSAGES}?conversationId=${NOBODYS}&page=0&pageSize=x`,
    undefined,
    {},
    400,
    "invalid_request",
    ["page", "pageSize"],
  ],
  [
    "a repeated parameter is invalid",
    "GET",
    `${CONVERSATIONS}?page=1&page=1`,
    undefined,
    {},
    400,
    "invalid_request",
    ["page"],
  ],
  [
    "the fields before the people",
    "POST",
    DIRECT,
    '{"otherUserId":""}',
    {},
    400,
    "invalid_request",
    ["otherUserId"],
  ],
])("%s", async (_, method, path, body, headers, status, code, paths) => {
  const answer = await fetchJson(path, raw(alice, method, body, headers));
  expect([answer.status, answer.body.code]).toEqual([status, code]);
  expect(answer.body.details?.map((detail: { path: string }) => detail.path)).toEqual(paths);
});

test("a body that is missing is malformed if it is announced as JSON, and else lacks its fields", async () => {
  const codeWith = async (headers: Record<string, string>) => {
    const all = { Authorization: `Bearer ${alice.token}`, ...headers };
    const answer = await fetchJson(MESSAGES, { method: "POST", headers: all });
    return [answer.status, answer.body.code];
  };
  expect(await codeWith({ "Content-Type": "application/json; a=b" })).toEqual([
    400,
    "malformed_json",
  ]);
  expect(await codeWith({})).toEqual([400, "invalid_request"]);
  expect(await codeWith({ "Content-Type": "" })).toEqual([400, "invalid_request"]);
});
