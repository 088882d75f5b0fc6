import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { ORIGIN } from "../support.ts";
import { UUID } from "./requests.ts";

/** Responses that are the same for all users may be cached by anyone. */

function get(path: string, headers: Record<string, string> = {}, method = "GET") {
  return exports.default.fetch(new Request(ORIGIN + path, { headers, method }));
}

test.each([
  ["/openapi.json", 300, "application/json"],
  ["/docs/openapi-explorer.js", 86_400, "text/javascript; charset=utf-8"],
])("%s is cacheable for %i seconds, and has an entity tag", async (path, seconds, type) => {
  const first = await get(path);
  const text = await first.text();
  const tag = first.headers.get("ETag") ?? "";
  expect(first.status).toBe(200);
  expect(first.headers.get("Content-Type")).toBe(type);
  expect(first.headers.get("Cache-Control")).toBe(`public, max-age=${seconds}`);
  expect(tag).toMatch(/^"[\w-]{22}"$/);
  expect((await get(path)).headers.get("ETag")).toBe(tag);
  // Compressing the response makes its entity tag a weak one.
  for (const known of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
    const again = await get(path, { "If-None-Match": known, Origin: ORIGIN });
    expect(again.status, known).toBe(304);
    expect(await again.text()).toBe("");
    expect(again.headers.get("ETag")).toBe(tag);
    expect(again.headers.get("Cache-Control")).toBe(`public, max-age=${seconds}`);
    expect(again.headers.get("X-Request-Id")).toMatch(UUID);
    expect(again.headers.get("Access-Control-Allow-Origin")).toBe(ORIGIN);
  }
  const changed = await get(path, { "If-None-Match": '"other"' });
  expect(changed.status).toBe(200);
  expect(await changed.text()).toBe(text);
  const head = await get(path, {}, "HEAD");
  expect([head.status, head.headers.get("ETag"), await head.text()]).toEqual([200, tag, ""]);
});

test("responses for a user are not cacheable", async () => {
  for (const path of ["/api/v1/chat/conversations", "/healthz", "/nowhere"]) {
    expect((await get(path)).headers.get("Cache-Control")).toBe("no-store");
  }
});
