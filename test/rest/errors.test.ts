import { afterEach, describe, expect, test, vi } from "vitest";
import { type Answer, fetchJson, person } from "../support.ts";
import { CONVERSATIONS, DIRECT, fetchWith, MESSAGES, raw, USERS, UUID } from "./requests.ts";

function expectError(answer: Answer, status: number, code: string): void {
  expect(answer.status).toBe(status);
  expect(answer.body).toEqual({ error: expect.any(String), code });
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("404", () => {
  test("an unknown path or method", async () => {
    const alice = await person();
    expectError(await alice.get("/api/v1/chat/nowhere"), 404, "route_not_found");
    expectError(await alice.delete(CONVERSATIONS), 404, "route_not_found");
    expectError(await alice.get(DIRECT), 404, "route_not_found");
    expectError(await alice.post(USERS, {}), 404, "route_not_found");
    for (const path of ["/nowhere", "/api/v1", "/page", "/page/x.js"]) {
      expectError(await fetchJson(path), 404, "route_not_found");
    }
  });
});

describe("429 by the platform's rate limiter", () => {
  test.each([
    ["LIMIT_READS", "read_requests_per_minute", "GET", `${USERS}?q=a`, 200],
    ["LIMIT_SEARCHES", "searches_per_minute", "GET", `${USERS}?q=a`, 200],
    ["LIMIT_SEARCHES", "searches_per_minute", "GET", `${MESSAGES}/search?q=a`, 200],
    ["LIMIT_MESSAGES", "write_requests_per_minute", "PUT", USERS, 403],
    [
      ...(["LIMIT_UPLOADS", "upload_requests_per_minute"] as const),
      ...(["PUT", "/api/v1/chat/uploads?name=a.txt", 200] as const),
    ],
  ] as const)("%s: %s, from which admins are exempt", async (...given) => {
    const [binding, limit, method, path, otherwise] = given;
    const [alice, admin] = [await person(), await person("admin", { role: "admin" })];
    const keys: string[] = [];
    const limiter = (success: boolean) => ({
      limit: async ({ key }: { key: string }) => {
        keys.push(key);
        return { success };
      },
    });
    const body = method === "GET" ? undefined : JSON.stringify({ users: [{ id: "x" }] });
    const init = () => raw(alice, method, body);
    const on = { REQUEST_LIMITS: "on", [binding]: limiter(false) };
    const refused = await fetchWith(on, path, init());
    expect(refused.status).toBe(429);
    expect(refused.body).toEqual({ error: expect.any(String), code: "rate_limited", limit });
    expect(refused.headers.get("Retry-After")).toBe("60");
    const well = await fetchWith({ ...on, [binding]: limiter(true) }, path, init());
    expect(well.status).toBe(otherwise);
    expect((await fetchWith({ ...on, REQUEST_LIMITS: "off" }, path, init())).status).toBe(
      otherwise,
    );
    expect((await fetchWith(on, path, raw(admin, method, body))).status).toBe(200);
    expect(keys).toEqual([alice.userId, alice.userId]);
  });
});

describe("500", () => {
  test("contains no internal details, and the id of the logged error", async () => {
    const alice = await person();
    const logged = vi.spyOn(console, "log").mockReturnValue(undefined);
    const broken = {
      getByName: () => {
        throw new TypeError("secret inside");
      },
    };
    const id = "3fa85f64-5717-8562-b3fc-2c0000000000";
    const path = `${MESSAGES}?conversationId=${id}`;
    const answer = await fetchWith({ CONVERSATIONS: broken }, path, raw(alice, "GET"));
    expectError(answer, 500, "internal");
    expect(JSON.stringify(answer.body)).not.toMatch(/secret|TypeError|\.ts|at /);
    const requestId = answer.headers.get("X-Request-Id");
    expect(requestId).toMatch(UUID);
    const entries = logged.mock.calls.map(([line]) => JSON.parse(line));
    expect(entries).toContainEqual(
      expect.objectContaining({
        event: "internal_error",
        requestId,
        error: expect.stringMatching(/TypeError: secret inside\n +at /),
      }),
    );
    expect(logged.mock.calls.flat().join()).not.toContain(alice.token);
  });
});

test("200 of GET /healthz for everyone, without a call to D1, R2 or an object", async () => {
  const none = { DB: undefined, FILES: undefined, CONVERSATIONS: undefined };
  for (const answer of [await fetchJson("/healthz"), await fetchWith(none, "/healthz")]) {
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ status: "ok" });
  }
});
