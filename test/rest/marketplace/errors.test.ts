import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Caller, fetchJson, person, someone, tokenFor } from "../../support.ts";
import {
  CHATS,
  directChat,
  edit,
  expectInvalid,
  expectRefusal,
  expectWrongText,
  NOBODYS,
  send,
} from "./chats.ts";

afterEach(() => void vi.restoreAllMocks());

const ID = NOBODYS;
const ENDPOINTS = [
  ["POST", ""],
  ["POST", "/purchase-request"],
  ["POST", "/support"],
  ["GET", ""],
  ["GET", "/stats"],
  ["GET", `/${ID}/info`],
  ["PUT", `/${ID}/archive`],
  ["POST", `/${ID}/participants`],
  ["DELETE", `/${ID}/participants/somebody`],
  ["GET", `/${ID}/messages`],
  ["POST", `/${ID}/messages`],
  ["PATCH", `/${ID}/messages/read`],
  ["PUT", `/${ID}/messages/${ID}`],
  ["DELETE", `/${ID}/messages/${ID}`],
] as const;

function raw(caller: Caller, method: string, path: string, body: BodyInit, headers = {}) {
  return fetchJson(CHATS + path, {
    method,
    body,
    headers: {
      Authorization: `Bearer ${caller.token}`,
      "Content-Type": "application/json",
      ...headers,
    },
  });
}

describe("401", () => {
  test.each(ENDPOINTS)("for %s /api/chat%s without a valid token", async (method, path) => {
    const tokens = [
      undefined,
      "nonsense",
      await tokenFor(someone(), { expiresIn: -1 }),
      await tokenFor(someone(), { secret: "another-secret-0123456789abcdefghijkl" }),
    ];
    for (const token of tokens) {
      const headers: HeadersInit = token ? { Authorization: `Bearer ${token}` } : {};
      const answer = await fetchJson(CHATS + path, { method, headers });
      expectRefusal(answer, 401, "unauthenticated");
      expect(answer.headers.get("WWW-Authenticate")).toBe("Bearer");
    }
  });

  test("before any other error of the request", async () => {
    const init = { method: "POST", body: "{", headers: { "Content-Type": "text/plain" } };
    expectRefusal(await fetchJson(CHATS, init), 401, "unauthenticated");
  });
});

describe("400", () => {
  const withBody = ENDPOINTS.filter(([method, path]) => method !== "GET" && !/archive$/.test(path));

  test.each(withBody.filter(([method]) => method !== "DELETE"))(
    "for %s /api/chat%s with a body that is not JSON",
    async (method, path) => {
      const alice = await person("alice");
      for (const body of ["{", "no json", "{'a': 1}"]) {
        expectRefusal(await raw(alice, method, path, body), 400, "malformed_json");
      }
    },
  );

  test("before 404 and 403: an invalid request is invalid for every sender", async () => {
    const { chatId } = await directChat();
    const mallory = await person("mallory");
    for (const id of [chatId, NOBODYS, "no-id"]) {
      expectInvalid(await mallory.post(`${CHATS}/${id}/messages`, {}), "content");
      expectInvalid(await mallory.put(`${CHATS}/${id}/messages/${id}`, {}), "content");
      expectInvalid(await mallory.post(`${CHATS}/${id}/participants`, {}), "userId");
      expectInvalid(await mallory.get(`${CHATS}/${id}/messages?limit=0`), "limit");
    }
  });

  test("before 404 and 403 also for invalid content", async () => {
    const { chatId } = await directChat();
    const mallory = await person("mallory");
    for (const id of [chatId, NOBODYS, "no-id"]) {
      expectWrongText(await send(mallory, id, " "), "empty_content");
      expectWrongText(await send(mallory, id, "x".repeat(5_001)), "content_too_long");
      expectWrongText(await edit(mallory, id, id, "a\u0000b"), "control_characters");
    }
  });
});

describe("404", () => {
  test.each([
    ["GET", `/${ID}`],
    ["GET", `/${ID}/`],
    ["DELETE", `/${ID}`],
    ["POST", `/${ID}/info`],
    ["GET", `/${ID}/messages/${ID}`],
    ["GET", "/stats/more"],
  ])("for %s /api/chat%s, in this API's envelope", async (method, path) => {
    const { token } = await person();
    const headers = { Authorization: `Bearer ${token}` };
    expectRefusal(await fetchJson(CHATS + path, { method, headers }), 404, "route_not_found");
  });
});

describe("413", () => {
  test("for a body over 256 KiB, with or without a Content-Length", async () => {
    const { alice, chatId } = await directChat();
    const body = JSON.stringify({ content: "x", padding: "x".repeat(256 * 1024) });
    const path = `/${chatId}/messages`;
    expectRefusal(await raw(alice, "POST", path, body), 413, "payload_too_large");
    const stream = new Blob([body]).stream();
    expectRefusal(await raw(alice, "POST", path, stream), 413, "payload_too_large");
    const answer = await raw(alice, "POST", path, body.slice(0, 200 * 1024));
    expectRefusal(answer, 400, "malformed_json");
  });
});

test("415 for a body of another content type", async () => {
  const { alice, chatId } = await directChat();
  const type = { "Content-Type": "text/plain" };
  const answer = await raw(alice, "POST", `/${chatId}/messages`, '{"content":"x"}', type);
  expectRefusal(answer, 415, "unsupported_media_type");
});

describe("500", () => {
  test("contains no internal details, and the id of the logged error", async () => {
    const alice = await person("alice");
    vi.spyOn(env.CONVERSATIONS, "getByName").mockImplementation(() => {
      throw new TypeError("secrets of the inside");
    });
    const log = vi.spyOn(console, "log").mockReturnValue();
    const answer = await alice.get(`${CHATS}/${NOBODYS}/info`);
    expectRefusal(answer, 500, "internal");
    expect(JSON.stringify(answer.body)).not.toContain("secrets");
    const [[line] = []] = log.mock.calls;
    expect(JSON.parse(line)).toMatchObject({
      event: "internal_error",
      requestId: answer.headers.get("X-Request-Id"),
      error: expect.stringContaining("secrets of the inside"),
    });
  });
});

describe("503", () => {
  test("for lists while D1 is down, with Retry-After", async () => {
    const alice = await person("alice");
    vi.spyOn(env.DB, "withSession").mockImplementation(() => {
      throw new Error("D1_ERROR: out of order");
    });
    for (const path of [CHATS, `${CHATS}/stats`]) {
      const answer = await alice.get(path);
      expectRefusal(answer, 503, "unavailable");
      expect(answer.headers.get("Retry-After")).toBe("1");
    }
  });
});
