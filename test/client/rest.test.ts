import { expect, test } from "vitest";
import { Parley } from "../../src/client/parley.ts";
import { keyOf } from "../../src/client/rest.ts";

/** A client whose requests are answered by a function. */
function restOf(answer: (request: Request) => Response | Promise<Response>) {
  let tokens = 0;
  const parley = new Parley({
    url: "https://parley.test",
    token: () => `t${++tokens}`,
    fetch: async (input, init) => answer(new Request(input, init)),
  });
  return parley.rest;
}

test("a request has the token, its query and its body, and every path segment is encoded", async () => {
  const heard: unknown[] = [];
  const rest = restOf(async (request) => {
    const { pathname, search } = new URL(request.url);
    const body = await request.text();
    heard.push([request.method, pathname + search, request.headers.get("Authorization"), body]);
    return Response.json({ success: true, users: [] });
  });
  await rest.messages("c", { page: 2 });
  await rest.unreact("m/1", "❤️");
  await rest.react("m", "🔥");
  await rest.people({ ids: ["a", "b,c", "d&e=f", "g h"] });
  await rest.people({ q: "a,b" });
  expect(heard).toEqual([
    ["GET", "/api/v1/chat/messages?conversationId=c&page=2", "Bearer t1", ""],
    ["DELETE", `/api/v1/chat/messages/m%2F1/reactions/${encodeURIComponent("❤️")}`, "Bearer t1", ""],
    ["POST", "/api/v1/chat/messages/m/reactions", "Bearer t1", '{"emoji":"🔥"}'],
    ["GET", "/api/users?ids=a,b%2Cc,d%26e%3Df,g%20h", "Bearer t1", ""],
    ["GET", "/api/users?q=a%2Cb", "Bearer t1", ""],
  ]);
});

test("archiving uses the marketplace API, and its answer is returned without the envelope", async () => {
  const rest = restOf((request) => {
    expect([request.method, new URL(request.url).pathname]).toEqual(["PUT", "/api/chat/c/archive"]);
    return Response.json({ success: true, data: { isArchived: true } });
  });
  expect(await rest.archive("c")).toEqual({ isArchived: true });
});

test("the key of an uploaded file is taken from its URL", () => {
  const fileUrl = "https://parley.test/uploads/chat/abc.png?expires=1&signature=x%2Fy";
  expect(keyOf({ fileUrl })).toBe("abc.png");
});

test("after 401 the request is repeated with a new token, once", async () => {
  const seen: (string | null)[] = [];
  const rest = restOf((request) => {
    seen.push(request.headers.get("Authorization"));
    const refused = { error: "Send a valid token.", code: "unauthenticated" };
    return seen.length === 1 || seen.length > 2
      ? Response.json(refused, { status: 401 })
      : Response.json([]);
  });
  expect(await rest.conversations()).toEqual([]);
  expect(seen).toEqual(["Bearer t1", "Bearer t2"]);
  await expect(rest.conversations()).rejects.toMatchObject({
    status: 401,
    code: "unauthenticated",
  });
  expect(seen).toEqual(["Bearer t1", "Bearer t2", "Bearer t2", "Bearer t3"]);
});

test("a refusal has the server's code, details and wait", async () => {
  const details = [{ path: "content", message: "!" }];
  const rest = restOf(() =>
    Response.json(
      { error: "Slowly.", code: "rate_limited", details },
      { status: 429, headers: { "Retry-After": "3" } },
    ),
  );
  await expect(rest.conversations()).rejects.toMatchObject({
    ...{ name: "ParleyError", code: "rate_limited", message: "Slowly.", status: 429 },
    ...{ details, retryAfterMs: 3_000 },
  });
});

/** A body that fails in the middle. */
function cutOff(): ReadableStream<Uint8Array> {
  let pulls = 0;
  return new ReadableStream({
    pull(controller) {
      if (pulls++ > 0) controller.error(new TypeError("terminated"));
      else controller.enqueue(new TextEncoder().encode('{"error":"This person'));
    },
  });
}

test.each([
  ["a failed fetch", () => Promise.reject(new TypeError("fetch failed")), "network"],
  ["the answer ends too early", () => new Response('[{"conversationId":'), "network"],
  ["a refusal is cut off", () => new Response(cutOff(), { status: 400 }), "network"],
  ["an HTML answer", () => new Response("<html>", { status: 502 }), "internal"],
])("%s", async (_, answer: () => Response | Promise<Response>, code) => {
  await expect(restOf(answer).conversations()).rejects.toMatchObject({ code });
});

test("notifications: settings and levels, and devices, whose answers have no body", async () => {
  const heard: unknown[] = [];
  const rest = restOf(async (request) => {
    const { pathname } = new URL(request.url);
    heard.push([`${request.method} ${pathname}`, await request.text()]);
    if (pathname.endsWith("/devices")) return new Response(null, { status: 204 });
    return Response.json({ key: "k" });
  });
  await rest.notificationSettings();
  await rest.setNotificationSettings({ preview: false, doNotDisturb: null });
  await rest.notificationLevel("c/1");
  await rest.setNotificationLevel("c", { level: "none", until: "2026-12-01T00:00:00Z" });
  expect(await rest.pushKey()).toBe("k");
  const device = { endpoint: "https://push.test/1", keys: { p256dh: "p", auth: "a" } };
  expect(await rest.addPushDevice(device)).toBeUndefined();
  expect(await rest.removePushDevice(device.endpoint)).toBeUndefined();
  expect(heard).toEqual([
    ["GET /api/notifications/settings", ""],
    ["PUT /api/notifications/settings", '{"preview":false,"doNotDisturb":null}'],
    ["GET /api/v1/chat/conversations/c%2F1/notifications", ""],
    [
      "PUT /api/v1/chat/conversations/c/notifications",
      '{"level":"none","until":"2026-12-01T00:00:00Z"}',
    ],
    ["GET /api/push/key", ""],
    ["PUT /api/push/devices", JSON.stringify(device)],
    ["DELETE /api/push/devices", '{"endpoint":"https://push.test/1"}'],
  ]);
});
