import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createApp } from "../../src/app.ts";
import { CONVERSATIONS, envWith, fetchWith, NOBODYS } from "../rest/requests.ts";
import { ORIGIN, person, someone, tokenFor } from "../support.ts";

/** The limit of requests from one network address, which is checked before anything else. */

afterEach(() => void vi.restoreAllMocks());

const UPGRADE = { Upgrade: "websocket" };
/** One request to each part of the Worker. */
const DOORS: [name: string, method: string, path: string, headers?: Record<string, string>][] = [
  ["UniHub's API", "GET", CONVERSATIONS],
  ["an upload", "PUT", "/api/v1/chat/uploads?name=a.txt"],
  ["the marketplace's API", "POST", "/api/chat"],
  ["people", "GET", "/api/users?q=a"],
  ["the operator's", "POST", "/api/admin/rebuild"],
  ["demonstration people", "GET", "/api/development/people"],
  ["a native socket", "GET", `/live/${NOBODYS}`, UPGRADE],
  ["the same without an upgrade", "GET", `/live/${NOBODYS}`],
  ["Socket.IO's socket", "GET", "/socket.io/?EIO=4&transport=websocket", UPGRADE],
  ["Socket.IO's polling", "GET", "/socket.io/?EIO=4&transport=polling"],
  ["an unknown session", "POST", "/socket.io/?EIO=4&transport=polling&sid=x.y"],
  ["SignalR's socket", "GET", "/hubs/chat", UPGRADE],
  ["SignalR's negotiation", "POST", "/hubs/chat/negotiate?negotiateVersion=1"],
  ["a file", "GET", "/uploads/chat/x"],
  ["the page", "GET", "/"],
  ["the reference", "GET", "/docs"],
  ["the reference for tools", "GET", "/openapi.json"],
  ["nothing", "GET", "/nowhere"],
];

let networks = 0;
/**
 * An address that no other test uses, from the documentation's networks, and another one of the
 * same /64.
 */
function newAddress(): [string, string] {
  const group = (++networks).toString(16);
  return [`2001:db8:${group}:1::1`, `2001:DB8:${group}:1:ffff::2`];
}

function requestOf(
  address: string,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Request {
  const body = method === "POST" ? { body: "{}" } : {};
  const all = { "CF-Connecting-IP": address, ...headers };
  return new Request(ORIGIN + path, { method, headers: all, ...body });
}

/** The platform's limiter with its bound limit, which docs/operations.md must state. */
const LIMITER = {
  limit: ({ key }: { key: string }) => {
    const options = { key, limit: 2 };
    return env.LIMIT_ADDRESSES.limit(options);
  },
};

/** A limiter that admits everything and records its keys. */
function counting(keys: string[]) {
  return { limit: async ({ key }: { key: string }) => ({ success: keys.push(key) > 0 }) };
}

async function ask(...given: Parameters<typeof requestOf>): Promise<Response> {
  const context = createExecutionContext();
  const changed = envWith({ LIMIT_ADDRESSES: LIMITER });
  const answer = await createApp().fetch(requestOf(...given), changed, context);
  await waitOnExecutionContext(context);
  return answer;
}

/** Sends requests from an address until one is refused; once, a new minute may begin in between. */
async function refused(...given: Parameters<typeof requestOf>): Promise<Response> {
  for (let asked = 0; asked < 5; asked++) {
    const answer = await ask(...given);
    if (answer.status === 429) return answer;
    answer.webSocket?.accept();
    answer.webSocket?.close();
  }
  throw new Error("it is never refused");
}

test("the limit of requests a minute applies to every part of the Worker, before a token is checked", async () => {
  const [address, neighbour] = newAddress();
  for (const [name, method, path, headers] of DOORS) {
    const answer = await refused(neighbour, method, path, headers);
    expect(answer.status, name).toBe(429);
    expect(answer.webSocket, name).toBeNull();
    expect(answer.headers.get("Retry-After"), name).toBe("60");
    expect(answer.headers.get("X-Request-Id"), name).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers.get("Cache-Control"), name).toBe("no-store");
    expect(answer.headers.get("X-Content-Type-Options"), name).toBe("nosniff");
    const body = JSON.parse(await answer.text());
    const limited = { code: "rate_limited", limit: "requests_per_address" };
    const sentence = { error: expect.any(String) };
    if (path.startsWith("/socket.io/")) expect(body).toEqual({ code: 4, message: "Forbidden" });
    else if (path.startsWith("/api/chat")) {
      expect(body, name).toEqual({ success: false, ...sentence, ...limited });
    } else expect(body, name).toEqual({ ...sentence, ...limited });
  }
  // With any token.
  const { token } = await person();
  const Authorization = `Bearer ${token}`;
  expect((await refused(address, "GET", CONVERSATIONS, { Authorization })).status).toBe(429);
  const [another] = newAddress();
  expect((await ask(another, "GET", CONVERSATIONS, { Authorization })).status).toBe(200);
});

test("every request is counted once, whatever its answer", async () => {
  const counted: string[] = [];
  const limiter = counting(counted);
  for (const [name, method, path, headers] of DOORS) {
    const context = createExecutionContext();
    const request = requestOf("192.0.2.7", method, path, headers);
    const answer = await createApp().fetch(request, envWith({ LIMIT_ADDRESSES: limiter }), context);
    expect(answer.status, name).not.toBe(429);
    await answer.text();
    answer.webSocket?.accept();
    answer.webSocket?.close();
    await waitOnExecutionContext(context);
    expect(counted.splice(0), name).toEqual(["192.0.2.7"]);
  }
});

describe("pages of another origin", () => {
  const closed = { LIMIT_ADDRESSES: { limit: async () => ({ success: false }) } };
  const headers = { "CF-Connecting-IP": "192.0.2.8", Origin: ORIGIN };

  test("can read the refusal", async () => {
    const answer = await fetchWith(closed, CONVERSATIONS, { headers });
    expect(answer.status).toBe(429);
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(ORIGIN);
    expect(answer.headers.get("Access-Control-Expose-Headers")).toContain("Retry-After");
    const hub = await fetchWith(closed, "/hubs/chat/negotiate", { method: "POST", headers });
    expect(hub.headers.get("Access-Control-Allow-Credentials")).toBe("true");
  });

  test("can always send a preflight", async () => {
    const asks = { ...headers, "Access-Control-Request-Method": "GET" };
    const answer = await fetchWith(closed, CONVERSATIONS, { method: "OPTIONS", headers: asks });
    expect(answer.status).toBe(204);
  });
});

describe("which requests are counted, and under which key", () => {
  const LIMITED = {
    ENVIRONMENT: "production",
    PUBLIC_URL: "https://chat.test",
    REQUEST_LIMITS: "on",
  };

  /** The keys under which a request is counted. */
  async function keysOf(changes: object, headers: Record<string, string>): Promise<string[]> {
    const keys: string[] = [];
    const limiter = {
      limit: async ({ key }: { key: string }) => ({ success: keys.push(key) > 0 }),
    };
    const all = { ...LIMITED, LIMIT_ADDRESSES: limiter, ...changes };
    expect((await fetchWith(all, "/healthz", { headers })).status).toBe(200);
    return keys;
  }

  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["garbage", "unknown"],
    ["127.0.0.1", "127.0.0.1"],
  ])("%s as %s", async (address, key) => {
    expect(await keysOf({}, { "CF-Connecting-IP": address })).toEqual([key]);
  });

  test("requests without an address share one key; on Cloudflare's network each has one", async () => {
    expect(await keysOf({}, {})).toEqual(["unknown"]);
  });

  test("a developer's own machine is not limited, and with REQUEST_LIMITS=off nothing is", async () => {
    const development = { ENVIRONMENT: "development" };
    expect(await keysOf(development, {})).toEqual([]);
    expect(await keysOf(development, { "CF-Connecting-IP": "127.0.0.1" })).toEqual([]);
    expect(await keysOf(development, { "CF-Connecting-IP": "::1" })).toEqual([]);
    const elsewhere = { "CF-Connecting-IP": "192.0.2.1" };
    expect(await keysOf(development, elsewhere)).toEqual(["192.0.2.1"]);
    expect(await keysOf({ REQUEST_LIMITS: "off" }, elsewhere)).toEqual([]);
  });
});

test("if the limiter fails, requests are admitted, and the failure is logged", async () => {
  const lines: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line) => void lines.push(String(line)));
  const broken = { limit: () => Promise.reject(new Error("out of order")) };
  const changes = { LIMIT_ADDRESSES: broken, LIMIT_READS: broken };
  const Authorization = `Bearer ${await tokenFor(someone())}`;
  const headers = { "CF-Connecting-IP": "192.0.2.9", Authorization };
  expect((await fetchWith(changes, CONVERSATIONS, { headers })).status).toBe(200);
  const failures = lines.filter((line) => JSON.parse(line).event === "limiter_failed");
  expect(failures).toHaveLength(2);
});
