import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { createApp } from "../../src/app.ts";
import { personOf } from "../../src/web/page/model/token.ts";
import { CONVERSATIONS, envWith } from "../rest/requests.ts";
import { ORIGIN } from "../support.ts";

/** The page as the Worker serves it, in development and in production. */

const DEVELOPMENT = "/api/development";
const PRODUCTION = { ENVIRONMENT: "production", PUBLIC_URL: ORIGIN };

async function get(path: string, changes = {}, init: RequestInit = {}): Promise<Response> {
  const context = createExecutionContext();
  const request = new Request(ORIGIN + path, init);
  const response = await createApp().fetch(request, envWith(changes), context);
  const text = await response.text();
  await waitOnExecutionContext(context);
  return new Response(text, response);
}

/** The page and everything that it loads, by path. */
async function everything(changes = {}): Promise<Map<string, string>> {
  const html = await (await get("/", changes)).text();
  const all = new Map([["/", html]]);
  for (const [, path = ""] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
    const response = await get(path, changes);
    expect(response.status, path).toBe(200);
    all.set(path, await response.text());
  }
  return all;
}

const entryOf = (files: Map<string, string>) =>
  [...files.keys()].find((path) => /(development|production)-/.test(path)) ?? "";

function ask(path: string, id: string): [string, RequestInit] {
  const headers = { "Content-Type": "application/json" };
  return [DEVELOPMENT + path, { method: "POST", headers, body: JSON.stringify({ id }) }];
}

test("JWT_USER_CLAIM is passed to the page; without it nothing is", async () => {
  const claimOf = async (JWT_USER_CLAIM?: string) => {
    const html = await (await get("/", { JWT_USER_CLAIM })).text();
    return /<meta name="user-claim" content="(.*)">/.exec(html)?.[1];
  };
  expect(await claimOf()).toBeUndefined();
  expect(await claimOf("oid")).toBe("oid");
  expect(await claimOf("http://login.test/x?a&b")).toBe("http://login.test/x?a&amp;b");
  expect(await claimOf('"><script>')).toBe("&quot;>&lt;script>");
});

test("JWT_ROLE_CLAIM is passed to the page as well", async () => {
  const html = await (await get("/", { JWT_ROLE_CLAIM: "app.roles" })).text();
  expect(html).toContain('<meta name="role-claim" content="app.roles">');
  expect(await (await get("/")).text()).not.toContain("-claim");
});

test("the moderators' view has an address of its own, with the same document and headers", async () => {
  const [chat, reports] = await Promise.all([get("/"), get("/moderation")]);
  expect(reports.status).toBe(200);
  expect(await reports.text()).toBe(await chat.text());
  for (const name of ["Content-Security-Policy", "Cache-Control", "X-Content-Type-Options"]) {
    expect(reports.headers.get(name), name).toBe(chat.headers.get(name));
  }
});

describe("in development", () => {
  test("users can sign in as demonstration people, whatever claim holds the user id", async () => {
    for (const JWT_USER_CLAIM of ["oid", "app.user", "http://login.test/claims/id"]) {
      const [path, init] = ask("/tokens", "bob");
      const { token } = await (await get(path, { JWT_USER_CLAIM }, init)).json<{ token: string }>();
      const headers = { Authorization: `Bearer ${token}` };
      expect((await get(CONVERSATIONS, { JWT_USER_CLAIM }, { headers })).status).toBe(200);
      expect(personOf(token, JWT_USER_CLAIM, Date.now())?.id).toBe("bob");
    }
  });

  test("the demonstration people are known users", async () => {
    const { people } = await (await get(`${DEVELOPMENT}/people`)).json<{
      people: { id: string }[];
    }>();
    expect(people.map(({ id }) => id)).toEqual(["alice", "bob", "carol", "dave"]);
    const [path, init] = ask("/tokens", "alice");
    const response = await get(path, {}, init);
    expect(response.status).toBe(201);
    const { token } = await response.json<{ token: string }>();
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    expect((await get(CONVERSATIONS, {}, { headers })).status).toBe(200);
    const body = JSON.stringify({ otherUserId: "dave" });
    const direct = await get(`${CONVERSATIONS}/direct`, {}, { method: "POST", headers, body });
    expect(direct.status).toBe(201);
  });

  test("no other user can be signed in", async () => {
    const [path, init] = ask("/tokens", "admin");
    expect((await get(path, {}, init)).status).toBe(400);
  });
});

describe("in production", () => {
  test("the route of development tokens is not found", async () => {
    for (const [path, init] of [ask("/tokens", "alice"), [`${DEVELOPMENT}/people`, {}] as const]) {
      const answer = await get(path, PRODUCTION, init);
      const nowhere = await get("/api/nowhere", PRODUCTION, init);
      expect(answer.status).toBe(404);
      expect(await answer.text()).toBe(await nowhere.text());
    }
  });

  test("no file of the page contains that route", async () => {
    const production = await everything(PRODUCTION);
    for (const [path, text] of production) expect(text, path).not.toContain(DEVELOPMENT);
    const development = await everything();
    expect([...development.values()].join()).toContain(DEVELOPMENT);
    expect((await get(entryOf(development), PRODUCTION)).status).toBe(404);
    expect((await get(entryOf(production))).status).toBe(404);
  });
});

describe("headers", () => {
  test("the page is revalidated each time, its files are cached permanently", async () => {
    const page = await get("/");
    expect(page.headers.get("Cache-Control")).toBe("no-cache");
    expect(page.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("X-Request-Id")).not.toBeNull();
    const file = await get(entryOf(await everything()));
    expect(file.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
    expect(file.headers.get("Content-Type")).toBe("text/javascript; charset=utf-8");
    expect(file.headers.get("X-Content-Type-Options")).toBe("nosniff");
  });

  test("images may be loaded from where files are linked, and from nowhere else", async () => {
    const policy = async (changes = {}) =>
      (await get("/", changes)).headers.get("Content-Security-Policy") ?? "";
    expect(await policy()).toContain("img-src 'self' blob:;");
    expect(await policy()).toContain("connect-src 'self' wss://parley.test;");
    expect(await policy()).not.toContain("unsafe");
    expect(await policy({ PUBLIC_URL: "https://files.test/" })).toContain(
      "img-src 'self' https://files.test blob:;",
    );
  });

  test("without pushes the page's policy knows no service worker, and without a webhook the page no notifications", async () => {
    const VAPID_PRIVATE_KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE";
    const VAPID_SUBJECT = "mailto:operator@parley.test";
    const NOTIFY_URL = "https://host.test/hook";
    const NOTIFY_SECRET = `whsec_${btoa("0123456789abcdef0123456789abcdef")}`;
    const nothing = {
      NOTIFY_URL: undefined,
      NOTIFY_SECRET: undefined,
      VAPID_PRIVATE_KEY: undefined,
    };
    const of = async (changes: object) => {
      const page = await get("/", { ...nothing, ...changes });
      const html = await page.text();
      return {
        told: /<meta name="notifications" content="(\w+)">/.exec(html)?.[1],
        isApp: html.includes('<link rel="manifest"'),
        policy: page.headers.get("Content-Security-Policy")?.split("; ").slice(-3),
      };
    };
    const withWorker = ["trusted-types service-worker", "worker-src 'self'", "manifest-src 'self'"];
    const without = [
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ];
    expect(await of({})).toEqual({ told: undefined, isApp: false, policy: without });
    expect(await of({ NOTIFY_URL, NOTIFY_SECRET })).toEqual({
      ...{ told: "webhook", isApp: false, policy: without },
    });
    expect(await of({ NOTIFY_URL, NOTIFY_SECRET, VAPID_PRIVATE_KEY, VAPID_SUBJECT })).toEqual({
      ...{ told: "push", isApp: true, policy: withWorker },
    });
  });

  test("the service worker is looked for each time, may load nothing, and has the whole site as its scope", async () => {
    const worker = await get("/service-worker.js");
    expect(worker.status).toBe(200);
    expect(worker.headers.get("Content-Type")).toBe("text/javascript; charset=utf-8");
    expect(worker.headers.get("Cache-Control")).toBe("no-cache");
    expect(worker.headers.get("Content-Security-Policy")).toBe("default-src 'none'");
    const text = await worker.text();
    expect(text).toContain("notificationclick");
    // It cannot serve an old page.
    expect(text).not.toMatch(/fetch|caches/);
  });

  test("the manifest describes the page as an app, with an icon that exists", async () => {
    const response = await get("/manifest.webmanifest");
    expect(response.headers.get("Content-Type")).toBe("application/manifest+json");
    const manifest = await response.json<{ start_url: string; icons: { src: string }[] }>();
    expect(manifest).toMatchObject({ id: "/", start_url: "/", display: "standalone" });
    for (const { src } of manifest.icons) expect((await get(src)).status).toBe(200);
  });

  test.each(["/page/", "/page/constructor", "/page/__proto__", "/page/..%2fpage.ts"])(
    "404 for %s",
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );
});
