import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Answer, directPair, fetchJson, ORIGIN, person, send } from "../support.ts";
import { CONVERSATIONS, DIRECT, fetchWith, MESSAGES, page, raw, USERS, UUID } from "./requests.ts";

const FOREIGN = "https://elsewhere.test";

/** One response of each kind: success, refusal, not found, unauthenticated. */
async function answers(headers: Record<string, string> = {}): Promise<[string, Answer][]> {
  const { alice, conversationId } = await directPair();
  const get = (path: string) => fetchJson(path, raw(alice, "GET", undefined, headers));
  return [
    ["200", await get(CONVERSATIONS)],
    ["201", await send(alice, conversationId, "hello")],
    ["400", await get(MESSAGES)],
    ["401", await fetchJson(CONVERSATIONS, { headers })],
    ["404 of a dialect", await get("/api/v1/chat/nowhere")],
    ["404", await get("/nowhere")],
    ["413", await fetchJson(DIRECT, raw(alice, "POST", "x".repeat(300_000), headers))],
    ["healthz", await get("/healthz")],
  ];
}

function preflight(origin: string, method = "POST"): Promise<Answer> {
  return fetchJson(MESSAGES, {
    method: "OPTIONS",
    headers: {
      Origin: origin,
      "Access-Control-Request-Method": method,
      "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    },
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("X-Request-Id", () => {
  test("is on every response, unique, and never the caller's", async () => {
    const theirs = "11111111-1111-4111-8111-111111111111";
    const all = await answers({ "X-Request-Id": theirs });
    for (const [name, { headers }] of all) {
      expect(headers.get("X-Request-Id"), name).toMatch(UUID);
      expect(headers.get("X-Request-Id"), name).not.toBe(theirs);
    }
    const ids = all.map(([, { headers }]) => headers.get("X-Request-Id"));
    expect(new Set(ids).size).toBe(all.length);
  });

  test("is on the response to a preflight", async () => {
    expect((await preflight(ORIGIN)).headers.get("X-Request-Id")).toMatch(UUID);
  });
});

describe("security headers", () => {
  test("are on every response, errors included", async () => {
    for (const [name, { headers }] of await answers()) {
      expect(headers.get("X-Content-Type-Options"), name).toBe("nosniff");
      expect(headers.get("Strict-Transport-Security"), name).toMatch(/^max-age=\d{7,}/);
      expect(headers.get("X-Frame-Options"), name).toBe("SAMEORIGIN");
      expect(headers.get("Referrer-Policy"), name).toBe("no-referrer");
      expect(headers.get("Cache-Control"), name).toBe("no-store");
      expect(headers.get("Content-Type"), name).toMatch(/^application\/json/);
      expect(headers.get("X-Powered-By"), name).toBeNull();
    }
  });
});

describe("CORS", () => {
  test("pages of the Worker's own origin may read every response, errors included", async () => {
    const all = await answers({ Origin: ORIGIN });
    for (const [name, { headers }] of all.filter(([name]) => name !== "201")) {
      expect(headers.get("Access-Control-Allow-Origin"), name).toBe(ORIGIN);
      expect(headers.get("Vary"), name).toContain("Origin");
      expect(headers.get("Access-Control-Allow-Credentials"), name).toBeNull();
    }
  });

  test("pages of another origin may read no response", async () => {
    for (const origin of [FOREIGN, "null", `${ORIGIN}.evil.test`, "http://parley.test", ""]) {
      for (const [name, { headers }] of await answers({ Origin: origin })) {
        expect(headers.get("Access-Control-Allow-Origin"), `${name} for ${origin}`).toBeNull();
      }
      expect((await preflight(origin)).headers.get("Access-Control-Allow-Origin")).toBeNull();
    }
  });

  test("a preflight is answered without a token", async () => {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
      const answer = await preflight(ORIGIN, method);
      expect(answer.status).toBe(204);
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(ORIGIN);
      expect(answer.headers.get("Access-Control-Allow-Methods")?.split(",")).toContain(method);
      expect(answer.headers.get("Access-Control-Allow-Headers")?.toLowerCase().split(",")).toEqual(
        expect.arrayContaining(["authorization", "content-type", "idempotency-key"]),
      );
    }
  });

  test("pages may read the headers that they need", async () => {
    const [, answer] = (await answers({ Origin: ORIGIN }))[0] ?? [];
    const exposed = answer?.headers.get("Access-Control-Expose-Headers")?.split(",");
    expect(exposed).toEqual(
      expect.arrayContaining([
        ...["X-Request-Id", "Retry-After", "D1-Bookmark", "Warning"],
        ...["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"],
      ]),
    );
  });

  test("ALLOWED_ORIGINS replaces the Worker's own origin; * allows every origin", async () => {
    const alice = await person();
    const allowed = async (ALLOWED_ORIGINS: string, origin: string) => {
      const init = raw(alice, "GET", undefined, { Origin: origin });
      const { headers } = await fetchWith({ ALLOWED_ORIGINS }, CONVERSATIONS, init);
      return headers.get("Access-Control-Allow-Origin");
    };
    const listed = "https://app.test, https://other.test";
    expect(await allowed(listed, "https://app.test")).toBe("https://app.test");
    expect(await allowed(listed, "https://other.test")).toBe("https://other.test");
    expect(await allowed(listed, FOREIGN)).toBeNull();
    expect(await allowed(listed, listed)).toBeNull();
    for (const origin of ["file://", "capacitor://localhost", "app://parley", "null"]) {
      expect(await allowed(origin, origin)).toBe(origin);
      expect(await allowed(listed, origin)).toBeNull();
    }
    expect(await allowed("*", FOREIGN)).toMatch(/^(\*|https:\/\/elsewhere\.test)$/);
  });
});

describe("D1-Bookmark", () => {
  test("is returned after reads of D1, and accepted in the next request", async () => {
    const { alice, conversationId } = await directPair();
    const sessions = vi.spyOn(env.DB, "withSession");
    const first = await alice.get(CONVERSATIONS);
    const bookmark = first.headers.get("D1-Bookmark") ?? "";
    expect(bookmark).not.toBe("");
    const again = await alice.get(CONVERSATIONS, { "D1-Bookmark": bookmark });
    expect(again.body).toEqual(first.body);
    expect(sessions.mock.calls).toEqual([["first-primary"], [bookmark]]);
    expect((await alice.get(`${USERS}?q=a`)).headers.has("D1-Bookmark")).toBe(true);
    expect((await page(alice, conversationId)).headers.has("D1-Bookmark")).toBe(false);
  });

  test("that D1 did not issue is neither passed to D1 nor returned", async () => {
    const alice = await person();
    const sessions = vi.spyOn(env.DB, "withSession");
    for (const bookmark of ["", "x", "first-unconstrained", "x".repeat(5_000), "1-2-3"]) {
      const answer = await alice.get(CONVERSATIONS, { "D1-Bookmark": bookmark });
      expect([200, 400]).toContain(answer.status);
      expect(sessions).not.toHaveBeenCalledWith(bookmark);
      expect(answer.headers.get("D1-Bookmark")).not.toBe(bookmark);
    }
  });
});

test("426 of /live without an upgrade has all common headers, and names the protocol", async () => {
  const { alice, conversationId } = await directPair();
  const answer = await alice.get(`/live/${conversationId}`, { Origin: ORIGIN });
  expect(answer.status).toBe(426);
  expect(answer.body).toEqual({ error: expect.any(String), code: "upgrade_required" });
  expect(answer.headers.get("Upgrade")).toBe("websocket");
  expect(answer.headers.get("X-Request-Id")).toMatch(UUID);
  expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(ORIGIN);
});
