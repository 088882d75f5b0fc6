import { expect, test, vi } from "vitest";
import { type Caller, directPair, fireAlarms, send } from "../support.ts";
import { Browser } from "./browser.ts";
import { checked, evictInbox, later, undoNotified } from "./notified.ts";
import type { Push } from "./push-service.ts";

/** From a message to the browsers of somebody who is away. */

undoNotified();

/** Resolves once a browser has received so many messages; alarms that are set fire meanwhile. */
async function untilPushed(browser: Browser, person: Caller, count: number): Promise<Push[]> {
  for (;;) {
    const accepted = await browser.accepted();
    if (accepted.length >= count) return accepted;
    await checked(person);
  }
}

/** Resolves once the push service was asked so often for a browser. */
async function untilAsked(browser: Browser, person: Caller, count: number): Promise<void> {
  while ((await browser.requests()).length < count) await checked(person);
}

const payloadOf = (push: Push | undefined) => JSON.parse(push?.text ?? "null");

test("from the key to the first notification", async () => {
  const { alice, bob, conversationId } = await directPair();
  const browsers = [await Browser.registered(bob), await Browser.registered(bob)];
  await send(alice, conversationId, "hello");
  for (const browser of browsers) {
    const [push] = await untilPushed(browser, bob, 1);
    expect(payloadOf(push)).toMatchObject({
      ...{ conversationId, tag: conversationId, kind: "direct", body: "hello" },
      ...{ reason: "message", unread: 1, total: 1, url: `/#/c/${conversationId}` },
    });
    expect(push?.headers).toMatchObject({
      urgency: "high",
      ttl: expect.stringMatching(/^86\d{3}$/),
    });
  }
  const ids = await Promise.all(
    browsers.map(async (one) => payloadOf((await one.accepted())[0]).id),
  );
  expect(new Set(ids).size).toBe(1);
});

test("a first device is notified of conversations that had stopped calling", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(alice, conversationId, "nobody is told");
  await fireAlarms(conversationId);
  const browser = await Browser.registered(bob);
  await vi.waitFor(async () => {
    await send(alice, conversationId, "bob is told");
    await fireAlarms(conversationId);
    await checked(bob);
    expect(await browser.accepted()).not.toEqual([]);
  });
  expect(payloadOf((await browser.accepted())[0]).body).toBe("bob is told");
});

test("410 removes the device; the other one goes on", async () => {
  const { alice, bob, conversationId } = await directPair();
  const [gone, other] = [await Browser.registered(bob), await Browser.registered(bob)];
  await gone.behave({ status: 410 });
  await send(alice, conversationId, "one");
  await untilPushed(other, bob, 1);
  await untilAsked(gone, bob, 1);
  await send(alice, conversationId, "two");
  // Once in 30 seconds; when the first one counts as sent is not known here.
  while ((await other.accepted()).length < 2) {
    await fireAlarms(conversationId);
    await later(31_000, bob);
  }
  await evictInbox(bob);
  await later(24 * 60 * 60_000, bob);
  expect((await gone.requests()).length).toBe(1);
});

test("503 is retried when the service asks for it, also by an inbox that was evicted, once", async () => {
  const { alice, bob, conversationId } = await directPair();
  const browser = await Browser.registered(bob);
  await browser.behave({ status: 503, headers: { "Retry-After": "600" } });
  await send(alice, conversationId, "hello");
  await untilAsked(browser, bob, 1);
  await evictInbox(bob);
  await later(599_000, bob);
  expect((await browser.requests()).length).toBe(1);
  await later(2_000, bob);
  expect(payloadOf((await untilPushed(browser, bob, 1))[0])).toMatchObject({ body: "hello" });
  await later(60 * 60_000, bob);
  expect((await browser.accepted()).length).toBe(1);
});

test("what was read before a retry is not pushed any more", async () => {
  const { alice, bob, conversationId } = await directPair();
  const browser = await Browser.registered(bob);
  await browser.behave({ status: 503 });
  await send(alice, conversationId, "hello");
  await untilAsked(browser, bob, 1);
  await bob.patch(`/api/chat/${conversationId}/messages/read`);
  await later(60 * 60_000, bob);
  expect((await browser.requests()).length).toBe(1);
});
