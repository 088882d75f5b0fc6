import { randomUUID } from "node:crypto";
import { beforeAll, expect, inject, test } from "vitest";
import type { Parley } from "../../src/client/parley.ts";
import { clientOf } from "./clients.ts";
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

/** A group of Judy's with somebody. */
async function talkWith(title: string, ...participantIds: string[]) {
  const { conversationId } = await judy.rest.group({
    title,
    participantIds: [...participantIds, "ivan"],
  });
  return judy.conversation(conversationId).connect().live();
}

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
  await browser.shows("Clouds too");
  await alice.deliver("no JSON");
  await browser.shows("Clouds too", "New message");
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
    await alice.deliver(pushOf(talk.id, title));
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
  await alice.deliver(pushOf(here.id, "Here", { createdAt: new Date(0).toISOString() }));
  await browser.shows("Later");
  // Pushed before the page has heard of the message: stays.
  await alice.deliver(
    pushOf(there.id, "Newer", { createdAt: new Date(Date.now() + 60_000).toISOString() }),
  );
  await browser.shows("Newer", "Later");
  for (const talk of [here, there, unread]) talk.close();
});
