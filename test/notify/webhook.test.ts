import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import type { Delivery } from "../../src/domain/notification.ts";
import type { Settings } from "../../src/env.ts";
import type { Receiver } from "../../src/notify/receiver.ts";
import { WEBHOOK_TIMEOUT_MS, webhookOf } from "../../src/notify/webhook.ts";
import { someone } from "../support.ts";
import { Host, secretOf } from "./host.ts";
import { notificationOf } from "./notifications.ts";

/** The notification webhook against a host on loopback that verifies with `standardwebhooks`. */

afterEach(() => {
  vi.useRealTimers();
});

/** Calls the webhook within an object, as an inbox does. */
function inObject<T>(
  settings: Pick<Settings, "NOTIFY_URL" | "NOTIFY_SECRET">,
  call: (webhook: Receiver) => Promise<T>,
): Promise<T> {
  return runInDurableObject(env.INBOXES.getByName(someone()), () => {
    const webhook = webhookOf(settings, () => Date.now());
    if (!webhook) throw new Error("no webhook");
    return call(webhook);
  });
}

function sent(host: Host, more = {}): Promise<Delivery> {
  const notification = notificationOf({ conversationId: "c", ...more });
  return inObject(host.settings, (webhook) => webhook.send(notification));
}

test("a notification arrives as documented, signed so that standardwebhooks accepts it", async () => {
  const host = await Host.start();
  expect(await sent(host, { id: "n-1" })).toEqual({ outcome: "delivered" });
  const [arrived] = await host.arrived();
  expect(arrived?.verified).toEqual([true]);
  expect(arrived?.headers).toMatchObject({
    "webhook-id": "n-1",
    "content-type": "application/json",
    "user-agent": "Parley",
  });
  expect(JSON.parse(arrived?.raw ?? "")).toEqual({
    type: "notification",
    id: "n-1",
    userId: "bob",
    conversation: { id: "c", kind: "direct", title: null, url: "https://chat.example/#c" },
    message: {
      ...{ id: "c-1", senderId: "alice", senderName: "Alice Ä.", preview: "Hello 👋" },
      ...{ attachments: 0, createdAt: "2026-11-28T12:00:00.000Z" },
    },
    ...{ reason: "message", unread: 2, total: 5 },
  });
});

test("without a preview, a name or a total: null, absent, null", async () => {
  const host = await Host.start();
  await sent(host, { message: undefined, total: undefined });
  const message = { id: "m", senderId: "alice", senderName: null, text: "", attachments: 2 };
  await sent(host, { message: { ...message, createdAt: 0 } });
  const [hidden, nameless] = await host.accepted();
  expect(hidden).toMatchObject({ message: null, total: null });
  expect(nameless?.["message"]).toEqual({
    ...{ id: "m", senderId: "alice", preview: "", attachments: 2 },
    createdAt: "1970-01-01T00:00:00.000Z",
  });
});

test("that everything was read is told as a body of its own", async () => {
  const host = await Host.start();
  const read = { id: "r-1", userId: "bob", conversationId: "c", total: 3 };
  const outcome = await inObject(host.settings, async (webhook) => webhook.sendRead?.(read));
  expect(outcome).toEqual({ outcome: "delivered" });
  const [arrived] = await host.arrived();
  expect(arrived?.verified).toEqual([true]);
  expect(arrived?.headers["webhook-id"]).toBe("r-1");
  expect(JSON.parse(arrived?.raw ?? "")).toEqual({
    ...{ type: "notification-read", id: "r-1", userId: "bob" },
    ...{ conversation: { id: "c" }, total: 3 },
  });
});

test("while secrets are rotated, receivers with either accept; with another, none", async () => {
  const [older, newer, other] = [secretOf(1), secretOf(2), secretOf(3)];
  const host = await Host.start([older, newer, other]);
  const settings = { NOTIFY_URL: host.url, NOTIFY_SECRET: [newer, older] };
  const notification = notificationOf({ conversationId: "c" });
  await inObject(settings, (webhook) => webhook.send(notification));
  expect((await host.arrived())[0]?.verified).toEqual([true, true, false]);
});

test.each<[number, Record<string, string>, Delivery]>([
  [200, {}, { outcome: "delivered" }],
  [202, {}, { outcome: "delivered" }],
  [410, {}, { outcome: "gone" }],
  [302, { Location: "/elsewhere" }, { outcome: "retry", isRejected: false, reason: "status 302" }],
  [400, {}, { outcome: "retry", isRejected: true, reason: "status 400" }],
  [401, {}, { outcome: "retry", isRejected: true, reason: "status 401" }],
  [404, {}, { outcome: "retry", isRejected: true, reason: "status 404" }],
  [408, {}, { outcome: "retry", isRejected: false, reason: "status 408" }],
  [
    429,
    { "Retry-After": "120" },
    { outcome: "retry", retryAfterMs: 120_000, isRejected: false, reason: "status 429" },
  ],
  [500, {}, { outcome: "retry", isRejected: false, reason: "status 500" }],
  [
    503,
    { "Retry-After": "7" },
    { outcome: "retry", retryAfterMs: 7_000, isRejected: false, reason: "status 503" },
  ],
])("an answer of %i", async (status, headers, expected) => {
  const host = await Host.start();
  await host.answers({ status, headers });
  expect(await sent(host)).toEqual(expected);
  // A redirect is not followed: the signature is for this address only.
  expect(await host.arrived()).toHaveLength(1);
});

test("a long answer is not read", async () => {
  const host = await Host.start();
  await host.answers({ status: 200, body: "x".repeat(5_000_000) });
  expect(await sent(host)).toEqual({ outcome: "delivered" });
});

test("a host that cannot be reached, or ends the connection, is retried; its address is not told", async () => {
  const host = await Host.start();
  await host.answers("reset");
  const unreachable = { outcome: "retry", reason: "unreachable" };
  expect(await sent(host)).toEqual(unreachable);
  // Port 1 of loopback: nobody listens.
  const settings = { ...host.settings, NOTIFY_URL: "http://127.0.0.1:1/hook" };
  const notification = notificationOf({ conversationId: "c" });
  expect(await inObject(settings, (webhook) => webhook.send(notification))).toEqual(unreachable);
});

test("a host that hangs is given up after ten seconds, and no timer is left behind", async () => {
  const host = await Host.start();
  await host.answers("hang");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const outcome = sent(host);
  let isOver = false;
  void outcome.then(() => {
    isOver = true;
  });
  await host.untilArrived(1);
  await vi.advanceTimersByTimeAsync(WEBHOOK_TIMEOUT_MS - 1);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await outcome).toEqual({ outcome: "retry", reason: "timeout" });
  expect(vi.getTimerCount()).toBe(0);
});

test("after an answer no timer is left, so that the object may hibernate at once", async () => {
  const host = await Host.start();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  await sent(host);
  expect(vi.getTimerCount()).toBe(0);
});

test("without settings there is no webhook", () => {
  const none = { NOTIFY_URL: undefined, NOTIFY_SECRET: undefined };
  expect(webhookOf(none, () => 0)).toBeUndefined();
});
