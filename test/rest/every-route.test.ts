import { exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { ORIGIN, person } from "../support.ts";
import {
  type Optional,
  optionalsOf,
  outcome,
  type Route,
  routes,
  takesNull,
  written,
} from "./every-route.ts";

/** Rules for all routes; the routes are taken from the reference, so that none is missed. */

const JSON_TYPE = { "Content-Type": "application/json" };
const titles = (some: readonly Route[]) =>
  some.map((route) => [route.method, route.path, route] as const);
/** Excluded, because it would rebuild the data of other tests: test/directory/rebuild.test.ts. */
const ours = written.filter(({ path }) => !path.startsWith("/api/admin"));

const alice = await person("alice");
const admin = await person("admin", { role: "admin" });

test("the number of routes is the expected one", () => {
  expect(routes.length).toBeGreaterThan(45);
  expect(written.length).toBeGreaterThan(15);
});

describe("a trailing slash makes no difference", () => {
  test.each(titles(routes))("%s %s", async (method, path, { body }) => {
    const init = body && { headers: JSON_TYPE, body: "{}" };
    const without = await outcome(alice.token, method, path, init);
    expect(without.code).not.toBe("route_not_found");
    expect(await outcome(alice.token, method, `${path}/`, init)).toEqual(without);
    const [asked, askedWithout] = [`${path}/?page=0`, `${path}?page=0`];
    expect(await outcome(alice.token, method, asked, init)).toEqual(
      await outcome(alice.token, method, askedWithout, init),
    );
  });

  test.each([
    ["GET", "/openapi.json", 200],
    ["GET", "/docs", 200],
    ["GET", "/docs/openapi-explorer.js", 200],
    ["GET", "/healthz", 200],
    ["POST", "/hubs/chat/negotiate", 200],
    ["GET", "/socket.io", 400],
    ["GET", "/api/development/people", 200],
    ["GET", "/api/nowhere", 404],
    ["GET", "/api/chat/nowhere", 404],
  ])("%s %s: %i", async (method, path, status) => {
    const without = await outcome(alice.token, method, path);
    expect(without.status).toBe(status);
    expect(await outcome(alice.token, method, `${path}/`)).toEqual(without);
  });

  test.each([`/live/${crypto.randomUUID()}`, "/hubs/chat", "/socket.io?EIO=4&transport=websocket"])(
    "an upgrade of %s",
    async (address) => {
      const [path = "", query = ""] = address.split("?");
      for (const url of [`${path}?${query}`, `${path}/?${query}`]) {
        const headers = { Upgrade: "websocket", Authorization: `Bearer ${alice.token}` };
        const { status, webSocket } = await exports.default.fetch(ORIGIN + url, { headers });
        expect(status, url).toBe(101);
        webSocket?.accept();
        webSocket?.close();
      }
    },
  );
});

describe("null in an optional field is the same as a missing field", () => {
  const fields = written.flatMap(({ method, path, body = {} }) =>
    optionalsOf(body).map((field) => [method, path, field.path, field] as const),
  );

  test("there are some, also within lists", () => {
    const named = fields.map(([, , name]) => name);
    expect(named).toEqual(expect.arrayContaining(["clientMessageId", "users.0.role", "cursor"]));
  });

  test.each(fields)("%s %s: %s", async (method, path, name, { schema, body }: Optional) => {
    expect(takesNull(schema), JSON.stringify(schema)).toBe(true);
    // If null were rejected, it would be among the reported paths; other fields are missing or
    // wrong.
    const wrong = path.startsWith("/api/admin") ? { limit: 0, ids: [] } : {};
    const init = { headers: JSON_TYPE, body: JSON.stringify({ ...wrong, ...Object(body) }) };
    const { paths } = await outcome(admin.token, method, path, init);
    expect(paths).not.toContain(name);
  });
});

describe("an optional body", () => {
  const leavable = ours.filter(({ required }) => !required);

  test("there are some", () => {
    expect(leavable.map(({ path }) => path)).toEqual(
      expect.arrayContaining([expect.stringMatching(/read$/), expect.stringMatching(/support$/)]),
    );
  });

  test.each(titles(leavable))("%s %s: an empty body is the same as {}", async (method, path) => {
    const asked = (init: RequestInit) => outcome(alice.token, method, path, init);
    const expected = await asked({ headers: JSON_TYPE, body: "{}" });
    expect(expected.status).not.toBe(400);
    expect(await asked({})).toEqual(expected);
    for (const type of ["application/json", "application/x-www-form-urlencoded", "text/plain"]) {
      expect(await asked({ headers: { "Content-Type": type } }), type).toEqual(expected);
      expect(await asked({ headers: { "Content-Type": type }, body: "" }), type).toEqual(expected);
    }
    expect(await asked({ headers: JSON_TYPE, body: "\ufeff" })).toEqual(expected);
    const wrong = await asked({ headers: { "Content-Type": "text/plain" }, body: "{}" });
    expect(wrong).toMatchObject({ status: 415, code: "unsupported_media_type" });
    expect((await asked({ headers: JSON_TYPE, body: "{" })).code).toBe("malformed_json");
  });
});

describe("a body", () => {
  test.each(titles(ours))("%s %s: may begin with a byte order mark", async (method, path) => {
    const asked = (body: string) =>
      outcome(alice.token, method, path, { headers: JSON_TYPE, body });
    const expected = await asked("{}");
    expect(expected.code).not.toBe("malformed_json");
    expect(await asked("\ufeff{}")).toEqual(expected);
    expect((await asked("\ufeff\ufeff{}")).code).toBe("malformed_json");
  });

  test.each(titles(ours))("%s %s: 415 for a type other than JSON", async (method, path) => {
    for (const type of [
      "application/json+x",
      "application/json, text/plain",
      "application/jsonp",
      "application/x_1+json, a",
      "text/json",
      "*/*",
    ]) {
      const init = { headers: { "Content-Type": type }, body: "{}" };
      const answer = await outcome(alice.token, method, path, init);
      expect(answer, type).toMatchObject({ status: 415, code: "unsupported_media_type" });
    }
  });
});
