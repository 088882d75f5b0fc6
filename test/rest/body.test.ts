import { describe, expect, test } from "vitest";
import { type Answer, type Caller, directPair, fetchJson, person } from "../support.ts";
import { DIRECT, GROUP, MESSAGES, page, raw, USERS } from "./requests.ts";

/** All routes that take a body. */
const WRITES: readonly [method: string, path: string][] = [
  ["POST", DIRECT],
  ["POST", GROUP],
  ["POST", MESSAGES],
  ["PUT", USERS],
];
const MAX_BODY_BYTES = 256 * 1024;

function write(caller: Caller, method: string, path: string, body?: BodyInit, headers = {}) {
  return fetchJson(path, raw(caller, method, body, headers));
}

function expectError(answer: Answer, status: number, code: string): void {
  expect(answer.status).toBe(status);
  expect(answer.body).toEqual({ error: expect.any(String), code });
}

/** A body without a Content-Length. */
function streamed(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(bytes.slice(sent, sent + 10_000));
      sent += 10_000;
      if (sent >= bytes.length) controller.close();
    },
  });
}

describe.each(WRITES)("%s %s", (method, path) => {
  test.each(["{", "", "{]", "undefined", "{'a': 1}", '{"a": "\n"}', "\u0000", "[[[["])(
    "400 with the body %j",
    async (body) => {
      expectError(await write(await person(), method, path, body), 400, "malformed_json");
    },
  );

  test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", ""])(
    "415 with the content type %j",
    async (type) => {
      const answer = await write(await person(), method, path, "{}", { "Content-Type": type });
      expectError(answer, 415, "unsupported_media_type");
    },
  );

  test("400 without any body", async () => {
    const caller = await person();
    const init = { method, headers: { Authorization: `Bearer ${caller.token}` } };
    expect((await fetchJson(path, init)).status).toBe(400);
  });

  test("413 over 256 KiB, with or without a Content-Length", async () => {
    const caller = await person();
    const most = `{"x": "${"x".repeat(MAX_BODY_BYTES - 9)}"}`;
    const more = `${most} `;
    expect(most).toHaveLength(MAX_BODY_BYTES);
    expect((await write(caller, method, path, most)).body.code).toBe("invalid_request");
    expectError(await write(caller, method, path, more), 413, "payload_too_large");
    const stream = await write(caller, method, path, streamed(most));
    expect(stream.body.code).toBe("invalid_request");
    expectError(await write(caller, method, path, streamed(more)), 413, "payload_too_large");
    const large = streamed("x".repeat(1_000_000));
    expectError(await write(caller, method, path, large), 413, "payload_too_large");
  });

  test("413 counts bytes, not characters", async () => {
    const body = JSON.stringify({ x: "é".repeat(MAX_BODY_BYTES / 2) });
    expect(body.length).toBeLessThan(MAX_BODY_BYTES);
    expectError(await write(await person(), method, path, body), 413, "payload_too_large");
  });
});

describe("valid JSON content types", () => {
  test.each([
    ...["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.api+json"],
    // Allowed by HTTP (RFC 9110, 5.6.6 and 8.3.1), even if the framework's validator rejects it.
    ...["application/json ; charset=utf-8", "application/json;", "application/vnd.api2+json"],
    ...["application/json;charset=utf-8;", 'application/json; charset="utf-8"'],
  ])("201 with %s", async (type) => {
    const { alice, conversationId } = await directPair();
    const body = JSON.stringify({ conversationId, content: "hello" });
    const answer = await write(alice, "POST", MESSAGES, body, { "Content-Type": type });
    expect(answer.status).toBe(201);
  });
});

test("an optional body is read however its content type is written", async () => {
  const { alice, conversationId } = await directPair();
  const type = { "Content-Type": "application/json ; charset=utf-8" };
  const path = `/api/chat/${conversationId}/messages/read`;
  const answer = await write(alice, "PATCH", path, '{"messageIds":["none"]}', type);
  expect([answer.status, answer.body.code]).toEqual([400, "invalid_request"]);
});

test("400 with bytes that are not UTF-8", async () => {
  const { alice, conversationId } = await directPair();
  const text = JSON.stringify({ conversationId, content: "caf\u00e9" });
  const latin1 = Uint8Array.from(text, (character) => character.charCodeAt(0));
  expectError(await write(alice, "POST", MESSAGES, latin1), 400, "malformed_json");
  expect((await page(alice, conversationId)).body.totalCount).toBe(0);
});
