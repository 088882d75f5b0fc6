import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import type { Parley } from "../../src/client/parley.ts";
import { clientOf } from "./clients.ts";
import { closeBrowser, SOON_MS, signedIn } from "./people.ts";
import { PushBrowser } from "./push.ts";

/** Notifications in a real browser, on a desktop whose notifications are clicked. */

let judy: Parley;
beforeAll(async () => {
  [judy] = await Promise.all([
    clientOf("judy", "Judy Park"),
    clientOf("ivan", "Ivan Petrov"),
    clientOf("alice", "Alice Moreau"),
    clientOf("bob", "Bob Tanaka"),
  ]);
});
afterAll(closeBrowser);

/** A group of Judy's with somebody. */
async function talkWith(title: string, ...participantIds: string[]) {
  const { conversationId } = await judy.rest.group({
    title,
    participantIds: [...participantIds, "ivan"],
  });
  return judy.conversation(conversationId).connect().live();
}

const aMinuteAgo = () => new Date(Date.now() - 60_000).toISOString();

/** A push as the server sends it. */
function pushOf(conversationId: string, title: string, more: object = {}) {
  return {
    ...{
      id: randomUUID(),
      conversationId,
      userId: "alice",
      kind: "group",
      title,
      body: "Judy: Hello",
    },
    ...{
      reason: "message",
      unread: 1,
      total: 1,
      url: `${inject("address")}/#/c/${conversationId}`,
    },
    ...{ tag: conversationId, read: [], createdAt: new Date().toISOString() },
    ...more,
  };
}

test("permission is asked for in the dialog, and nothing is loaded before that", async () => {
  const browser = await PushBrowser.start();
  await browser.context.addInitScript(() => {
    const { requestPermission } = Notification;
    Object.assign(window, { asked: 0 });
    Notification.requestPermission = (...given) => {
      (window as unknown as { asked: number }).asked++;
      return requestPermission.apply(Notification, given);
    };
  });
  const alice = await browser.signedIn("Alice Moreau");
  const asked = () => alice.page.evaluate(() => (window as unknown as { asked: number }).asked);
  const loaded = () =>
    alice.page.evaluate(async () => ({
      workers: (await navigator.serviceWorker.getRegistrations()).length,
      files: performance.getEntriesByType("resource").filter(({ name }) => /later-/.test(name))
        .length,
    }));
  await alice.page.getByText("Notifications").waitFor();
  expect(await loaded()).toEqual({ workers: 0, files: 0 });
  await (await alice.openDialog()).getByRole("button", { name: "Turn on" }).waitFor();
  expect(await asked()).toBe(0);
  await alice.page.keyboard.press("Escape");
  await alice.turnOn();
  expect(await asked()).toBe(1);
  expect(await loaded()).toEqual({ workers: 1, files: 1 });
  // The next visit needs no permission.
  await alice.page.reload();
  await (await alice.openDialog()).getByRole("button", { name: "Turn off" }).waitFor();
  expect(await asked()).toBe(0);
});

test("where the browser forbids notifications, the dialog says so", async () => {
  const browser = await PushBrowser.start({ isPermitted: false });
  const alice = await browser.signedIn("Alice Moreau");
  const dialog = await alice.openDialog();
  await dialog.getByText("Notifications of this page are blocked.").waitFor();
  expect(await dialog.getByRole("button", { name: "Turn on" }).count()).toBe(0);
});

test("a message to somebody whose page is closed is a notification that opens it", async () => {
  const browser = await PushBrowser.start();
  const talk = await talkWith("Ferry", "alice");
  const alice = await browser.signedIn("Alice Moreau");
  await alice.turnOn();
  await alice.page.goto("about:blank");
  await talk.send("The ferry leaves at nine");
  const [push] = await browser.received(1);
  await alice.deliver(push?.text ?? "");
  const [shown] = await browser.shows("Ferry");
  expect(shown?.body).toContain("Judy Park: The ferry leaves at nine");
  const opened = browser.context.waitForEvent("page");
  await browser.click("Ferry");
  const page = await opened;
  await page.getByRole("button", { name: "Alice Moreau" }).click();
  await page.locator(".text", { hasText: "The ferry leaves at nine" }).waitFor();
  talk.close();
});

test("what is pushed is shown: the newest of each conversation, and nothing twice", async () => {
  const browser = await PushBrowser.start();
  const alice = await browser.signedIn("Alice Moreau");
  await alice.turnOn();
  const [first, second] = [randomUUID(), randomUUID()];
  // Nothing that is known as read: the page does not close it.
  const later = new Date(Date.now() + 60_000).toISOString();
  const push = pushOf(first, "Tides", { createdAt: later, userId: "somebody" });
  await alice.deliver(push);
  const [shown] = await browser.shows("Tides");
  expect(shown?.body).toContain("Judy: Hello");
  await alice.deliver({ ...push, id: randomUUID(), title: "Tides again" });
  await browser.shows("Tides again");
  await alice.deliver(pushOf(second, "Clouds", { userId: "somebody" }));
  await browser.shows("Clouds", "Tides again");
  // What was read elsewhere is closed with the next push.
  await alice.deliver(pushOf(second, "Clouds too", { userId: "somebody", read: [first] }));
  await alice.keeps("Clouds too");
  await alice.deliver("no JSON");
  await alice.keeps("Clouds too", "New message");
});

test("a click opens the conversation in its user's tab, which is raised", async () => {
  const browser = await PushBrowser.start();
  const talk = await talkWith("Harbour", "alice", "bob");
  const alice = await browser.signedIn("Alice Moreau");
  await alice.turnOn();
  // The tab that was used last is somebody else's.
  const bob = await browser.signedIn("Bob Tanaka");
  await bob.turnOn();
  const raised = await browser.recordRaised();
  await talk.send("Hello");
  await alice.deliver(pushOf(talk.id, "Harbour"));
  await browser.click("Harbour");
  await alice.message("Hello").waitFor();
  expect(await raised()).toEqual([alice.page.url().split("#")[0]]);
  expect(new URL(bob.page.url()).hash).toBe("");
  expect(browser.context.pages()).toHaveLength(3);
  await browser.shows();
  talk.close();
});

test("without a tab of its user a click opens a new one", async () => {
  const browser = await PushBrowser.start();
  const talk = await talkWith("Lighthouse", "alice");
  const alice = await browser.signedIn("Alice Moreau");
  await alice.turnOn();
  const bob = await browser.signedIn("Bob Tanaka");
  await alice.page.close();
  await bob.deliver(pushOf(talk.id, "Lighthouse"));
  const opened = browser.context.waitForEvent("page");
  await browser.click("Lighthouse");
  const page = await opened;
  await page.getByRole("button", { name: "Alice Moreau" }).click();
  await page.getByRole("heading", { name: "Lighthouse" }).waitFor();
  expect(new URL(bob.page.url()).hash).toBe("");
  talk.close();
});

test("what is read is closed, here or on another device; what is not stays", async () => {
  const browser = await PushBrowser.start();
  const [here, there, unread] = await Promise.all(
    ["Here", "Abroad", "Later"].map((title) => talkWith(title, "alice")),
  );
  if (!here || !there || !unread) throw new Error("not all are there");
  const alice = await browser.signedIn("Alice Moreau");
  await alice.turnOn();
  for (const [talk, title] of [
    [here, "Here"],
    [there, "Abroad"],
    [unread, "Later"],
  ] as const) {
    await talk.send(`Hello ${title}`);
    await alice.entry(title).getByText("1 unread").waitFor();
    await alice.deliver(pushOf(talk.id, title, { createdAt: aMinuteAgo() }));
  }
  await browser.shows("Here", "Abroad", "Later");
  await alice.entry("Here").click();
  await alice.message("Hello Here").waitFor();
  await browser.shows("Abroad", "Later");
  const phone = await clientOf("alice", "Alice Moreau");
  const { items: [newest] = [] } = await phone.rest.messages(there.id);
  await phone.rest.markRead(newest?.messageId ?? "");
  await browser.shows("Later");
  // Shown although it has been read, because the push was on its way: closed at once.
  await alice.deliver(pushOf(here.id, "Here", { createdAt: aMinuteAgo() }));
  // By the browser's own list: one that is closed while it is being shown may stay on the desktop.
  await alice.keeps("Later");
  // Pushed before the page has heard of the message: stays.
  await alice.deliver(
    pushOf(there.id, "Newer", { createdAt: new Date(Date.now() + 60_000).toISOString() }),
  );
  await alice.keeps("Newer", "Later");
  for (const talk of [here, there, unread]) talk.close();
});

test("the badge counts what is unread, in the page and without it", async () => {
  const browser = await PushBrowser.start();
  const talk = await talkWith("Counted", "alice");
  await browser.context.addInitScript(() => {
    Navigator.prototype.setAppBadge = async (count) => {
      Object.assign(window, { badge: count });
    };
  });
  const alice = await browser.signedIn("Alice Moreau");
  await alice.turnOn();
  await alice.entry("Counted").click();
  const badge = () => alice.page.evaluate(() => (window as unknown as { badge: number }).badge);
  const titled = async () => Number(/\((\d+)\)/.exec(await alice.page.title())?.[1] ?? 0);
  await alice.page.getByRole("heading", { name: "Counted" }).waitFor();
  const before = await titled();
  expect(await badge()).toBe(before);
  const other = await talkWith("Counted elsewhere", "alice");
  await other.send("Hello");
  await alice.entry("Counted elsewhere").getByText("1 unread").waitFor();
  await vi.waitFor(async () => expect(await badge()).toBe(before + 1), { timeout: SOON_MS });
  const inWorker = await browser.recordBadge();
  await alice.deliver(pushOf(other.id, "Counted elsewhere", { total: 7 }));
  await browser.shows("Counted elsewhere");
  await vi.waitFor(async () => expect(await inWorker()).toEqual([7]), { timeout: SOON_MS });
  for (const one of [talk, other]) one.close();
});

test("signing out ends notifications of that user in this browser", async () => {
  const browser = await PushBrowser.start();
  const talk = await talkWith("Left behind", "alice");
  const alice = await browser.signedIn("Alice Moreau");
  await alice.turnOn();
  await talk.send("Hello");
  await alice.entry("Left behind").getByText("1 unread").waitFor();
  await alice.deliver(pushOf(talk.id, "Left behind"));
  await browser.shows("Left behind");
  const removed = alice.page.waitForResponse(
    (response) => response.request().method() === "DELETE" && /push\/devices$/.test(response.url()),
  );
  await alice.page.getByRole("button", { name: "Sign out" }).click();
  expect((await removed).status()).toBe(204);
  await browser.shows();
  expect(await alice.page.evaluate(() => Object.keys(localStorage))).toEqual([]);
  // Another user of the browser begins anew.
  await alice.signIn("Bob Tanaka");
  await (await alice.openDialog()).getByRole("button", { name: "Turn on" }).waitFor();
  talk.close();
});

test("do-not-disturb hours and previews are set in the dialog, for all devices", async () => {
  const alice = await signedIn("Alice Moreau");
  const phone = await clientOf("alice", "Alice Moreau");
  const { page } = alice;
  const open = async () => {
    await page.getByRole("button", { name: "Notifications" }).click();
    return page.getByRole("dialog", { name: "Notifications" });
  };
  const dialog = await open();
  await dialog.getByLabel("Show who wrote, and what").uncheck();
  await dialog.getByLabel("Do not disturb every day").check();
  await dialog.getByLabel("From").fill("07:00");
  await dialog.getByText("From and to are the same.").waitFor();
  expect(await dialog.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
  await dialog.getByLabel("From").fill("21:30");
  await dialog.getByLabel("To").press("Enter");
  await dialog.waitFor({ state: "detached" });
  const timeZone = await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
  const hours = { from: "21:30", to: "07:00", timeZone };
  expect(await phone.rest.notificationSettings()).toEqual({ preview: false, doNotDisturb: hours });
  await phone.rest.setNotificationSettings({
    doNotDisturb: { from: "23:00", to: "06:15", timeZone: "Pacific/Chatham" },
  });
  await open();
  await dialog.getByText(`Hours in Pacific/Chatham, in ${timeZone} once you save them`).waitFor();
  expect(await dialog.getByLabel("To").inputValue()).toBe("06:15");
  expect(await dialog.getByLabel("Show who wrote, and what").isChecked()).toBe(false);
  await dialog.getByLabel("Do not disturb every day").uncheck();
  await dialog.getByLabel("Show who wrote, and what").check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
  expect(await phone.rest.notificationSettings()).toEqual({ preview: true, doNotDisturb: null });
});

test("the level of a conversation is chosen in its details, for a time if wanted", async () => {
  const talk = await talkWith("Noisy", "alice");
  const alice = await signedIn("Alice Moreau");
  const phone = await clientOf("alice", "Alice Moreau");
  await alice.entry("Noisy").click();
  await alice.page.getByRole("button", { name: "Details" }).click();
  const dialog = alice.page.getByRole("dialog", { name: "Noisy" });
  const level = dialog.getByLabel("Notify me of");
  expect(await level.inputValue()).toBe("all");
  expect(await dialog.getByLabel("How long").count()).toBe(0);
  await level.selectOption("Nothing (muted)");
  await alice.entry("Noisy").getByText(", muted").waitFor({ state: "attached" });
  await dialog.getByLabel("How long").selectOption("for an hour");
  await dialog.getByText(/^until /).waitFor({ state: "attached" });
  const { until, ...chosen } = await phone.rest.notificationLevel(talk.id);
  expect(chosen).toEqual({ level: "none", default: "all" });
  expect(Date.parse(until ?? "") - Date.now()).toBeGreaterThan(55 * 60_000);
  await level.selectOption("Every message (default)");
  await alice.entry("Noisy").getByText(", muted").waitFor({ state: "detached" });
  expect(await phone.rest.notificationLevel(talk.id)).toMatchObject({ level: "all", until: null });
  // Chosen on another device.
  await phone.rest.setNotificationLevel(talk.id, { level: "mentions" });
  await alice.page.keyboard.press("Escape");
  await alice.page.getByRole("button", { name: "Details" }).click();
  expect(await level.inputValue()).toBe("mentions");
  talk.close();
});
