import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import type { Notification } from "../../src/domain/notification.ts";
import { PAYLOAD_BYTES } from "../../src/domain/push-payload.ts";
import { settingsOf } from "../../src/env.ts";
import { vapidOf } from "../../src/notify/push/vapid.ts";
import { WebPush } from "../../src/notify/push/web-push.ts";
import { inboxOf } from "../inbox/replica.ts";
import { moveClock, stopClock } from "../inbox/watching.ts";
import { type Caller, person } from "../support.ts";
import { Browser, notificationWith, notify } from "./browser.ts";

/** Push messages, as a push service on loopback and a browser receive them. */

const HOUR = 60 * 60_000;
const GROUP = { id: "4fa85f64-5717-8562-b3fc-2c0000000000", kind: "group", title: "Ops" } as const;

/** A person with a browser that is registered. */
async function subscriber(): Promise<{ bob: Caller; browser: Browser }> {
  const bob = await person("bob");
  return { bob, browser: await Browser.registered(bob) };
}

/** What the browser shows of a notification. */
async function shown(changes: Partial<Notification>) {
  const { bob, browser } = await subscriber();
  expect(await notify(bob, notificationWith(changes))).toEqual([{ outcome: "delivered" }]);
  const [push] = await browser.accepted();
  if (!push) throw new Error("nothing was accepted");
  return { ...push, payload: JSON.parse(push.text) };
}

describe("a push message", () => {
  test("can be read by its browser alone, and says all that a notification needs", async () => {
    const notification = notificationWith({ read: ["a", "b"] });
    const { payload, headers } = await shown(notification);
    expect(payload).toEqual({
      id: notification.id,
      userId: notification.userId,
      conversationId: notification.conversation.id,
      kind: "direct",
      title: "Alice",
      body: "Hello Bob",
      senderName: "Alice",
      reason: "message",
      unread: 1,
      total: 3,
      url: notification.url,
      tag: notification.conversation.id,
      read: ["a", "b"],
      createdAt: "2026-11-28T12:00:00.000Z",
    });
    expect(headers).toMatchObject({
      "content-encoding": "aes128gcm",
      "content-type": "application/octet-stream",
      topic: "3fa85f6457178562b3fc2c0000000000",
      urgency: "high",
    });
  });

  test("without a preview says neither who nor what nor where", async () => {
    const { payload, text } = await shown({ conversation: GROUP, message: undefined });
    expect(payload).toMatchObject({ title: "New message", body: "", conversationId: GROUP.id });
    expect(text).not.toMatch(/Alice|Hello|Ops/);
  });

  test("has one size, whatever it says, that Firefox on Android accepts", async () => {
    const long = { ...notificationWith().message, text: "🦜".repeat(140), attachments: 0 };
    const read = Array.from({ length: 20 }, () => crypto.randomUUID());
    const message = long as Notification["message"];
    const sizes = [
      (await shown({})).size,
      (await shown({ message, read, conversation: { ...GROUP, title: "Ω".repeat(200) } })).size,
      (await shown({ message: undefined })).size,
    ];
    expect(sizes).toEqual(Array(3).fill(PAYLOAD_BYTES + 103));
    expect(PAYLOAD_BYTES + 103).toBeLessThan(3_070);
  });

  test.each([
    ["a direct conversation", {}, "high"],
    ["a group", { conversation: GROUP }, "normal"],
    ["a mention in a group", { conversation: GROUP, reason: "mention" }, "high"],
  ] as const)("of %s: urgency", async (_, changes, urgency) => {
    expect((await shown(changes)).headers["urgency"]).toBe(urgency);
  });

  test("lives as long as its notification is worth delivering", async () => {
    stopClock();
    const { bob, browser } = await subscriber();
    for (const left of [24 * HOUR, HOUR, 1_001, 1]) {
      await notify(bob, notificationWith({ expiresAt: Date.now() + left }));
    }
    const lives = (await browser.accepted()).map(({ headers }) => headers["ttl"]);
    expect(lives).toEqual(["86400", "3600", "2", "1"]);
    expect(await notify(bob, notificationWith({ expiresAt: Date.now() }))).toEqual([
      { outcome: "refused", reason: "expired" },
    ]);
    expect((await browser.requests()).length).toBe(4);
  });

  test("goes to every device of the user", async () => {
    const { bob, browser } = await subscriber();
    const other = await Browser.registered(bob);
    expect(await notify(bob, notificationWith())).toEqual(Array(2).fill({ outcome: "delivered" }));
    expect((await browser.accepted()).length).toBe(1);
    expect((await other.accepted()).length).toBe(1);
  });
});

describe("the VAPID token", () => {
  test("names the push service, the operator and its end: one signature per origin and hour", async () => {
    stopClock();
    // Tokens of other tests are those of another hour.
    moveClock(2 * HOUR);
    const now = Math.floor(Date.now() / 1_000);
    const [{ bob, browser }, other] = [await subscriber(), await subscriber()];
    const more = await Promise.all(Array.from({ length: 4 }, () => Browser.registered(bob)));
    const browsers = [browser, other.browser, ...more];
    const tokens = async () => {
      await notify(bob, notificationWith());
      await notify(other.bob, notificationWith());
      const pushes = await Promise.all(browsers.map((one) => one.accepted()));
      return new Set(pushes.map((accepted) => accepted.at(-1)?.token));
    };
    const first = await tokens();
    expect(first.size).toBe(1);
    const [push] = await browser.accepted();
    expect(push?.claims).toEqual({
      aud: new URL(browser.subscription.endpoint).origin,
      sub: "mailto:operator@parley.test",
      exp: now + 12 * 3_600,
    });
    moveClock(HOUR - 1);
    expect(await tokens()).toEqual(first);
    moveClock(1);
    const second = await tokens();
    expect(second.size).toBe(1);
    expect(second).not.toEqual(first);
  });
});

describe("the answer of the push service", () => {
  const host = expect.stringMatching(/^127\.0\.0\.1:\d+ /);

  test.each([
    [200, "delivered"],
    [202, "delivered"],
    [404, "gone"],
    [410, "gone"],
    [408, "retry"],
    [429, "retry"],
    [500, "retry"],
    [503, "retry"],
    [400, "refused"],
    [401, "refused"],
    [403, "refused"],
    [413, "refused"],
  ])("%i: %s", async (status, outcome) => {
    const { bob, browser } = await subscriber();
    await browser.behave({ status, body: "x".repeat(100_000) });
    const [delivery] = await notify(bob, notificationWith());
    expect(delivery).toMatchObject({ outcome });
    if (delivery && "reason" in delivery) {
      expect(delivery.reason).toMatch(new RegExp(`^127\\.0\\.0\\.1:\\d+ answered ${status}$`));
    }
  });

  test.each([
    ["in seconds", "120", 120_000],
    ["as a date that is over", "Sat, 28 Nov 2020 12:00:00 GMT", 0],
    ["none", undefined, undefined],
  ])("Retry-After %s", async (_, value, retryAfterMs) => {
    const { bob, browser } = await subscriber();
    const headers = value === undefined ? undefined : { "Retry-After": value };
    await browser.behave({ status: 429, headers });
    expect(await notify(bob, notificationWith())).toEqual([
      { outcome: "retry", reason: host, retryAfterMs },
    ]);
  });

  test.each([301, 302, 303, 307, 308])("%i is not followed", async (status) => {
    const { bob, browser } = await subscriber();
    const target = await Browser.of(bob);
    await browser.behave({ status, headers: { Location: target.subscription.endpoint } });
    expect(await notify(bob, notificationWith())).toEqual([{ outcome: "refused", reason: host }]);
    expect(await target.requests()).toEqual([]);
  });

  test("a connection that is cut is retried", async () => {
    const { bob, browser } = await subscriber();
    await browser.behave("cut");
    const reason = expect.stringMatching(/ is unreachable$/);
    expect(await notify(bob, notificationWith())).toEqual([{ outcome: "retry", reason }]);
    expect((await browser.requests()).length).toBe(1);
  });

  test("none at all: the attempt ends, and is retried", async () => {
    const bob = await person("bob");
    const browser = await Browser.of(bob);
    await browser.behave("hang");
    const delivery = await runInDurableObject(inboxOf(bob), () => {
      const settings = settingsOf(env);
      const vapid = settings instanceof Error ? undefined : vapidOf(settings);
      if (!vapid) throw new Error("no key");
      const options = { vapid, hosts: ["http://127.0.0.1"], clock: Date.now, timeoutMs: 50 };
      return new WebPush(options).send(browser.subscription, notificationWith());
    });
    const reason = expect.stringMatching(/ did not answer$/);
    expect(delivery).toEqual({ outcome: "retry", reason });
    expect((await browser.requests()).length).toBe(1);
  });

  test("of a browser that subscribed with another key", async () => {
    const bob = await person("bob");
    const browser = await Browser.withKey("another");
    await browser.register(bob);
    expect(await notify(bob, notificationWith())).toEqual([{ outcome: "refused", reason: host }]);
    expect(await browser.requests()).toMatchObject([{ status: 403 }]);
  });
});

test("what fails says nothing of endpoints and texts, neither here nor in the log", async () => {
  const lines = vi.spyOn(console, "log");
  const { bob, browser } = await subscriber();
  await browser.behave("cut", { status: 413 }, { status: 503 }, { status: 410 });
  const said = [];
  for (let i = 0; i < 4; i++) said.push(await notify(bob, notificationWith()));
  const all = JSON.stringify([said, lines.mock.calls]);
  expect(all).not.toContain(browser.subscription.endpoint.split("/").at(-1));
  expect(all).not.toMatch(/Hello|Alice/);
});
