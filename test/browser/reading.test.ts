import { afterAll, expect, test } from "vitest";
import { clientOf } from "./clients.ts";
import { closeBrowser, SOON_MS, signedIn } from "./people.ts";

/** The scroll position with new messages, after sending, and after being removed. */

afterAll(closeBrowser);

/** A conversation of a new user with Bob, who has this many unread messages in it. */
async function unreadFor(id: string, name: string, count: number) {
  const [writer] = await Promise.all([clientOf(id, name), clientOf("bob", "Bob Tanaka")]);
  const { conversationId } = await writer.rest.direct("bob");
  const talk = await writer.conversation(conversationId).connect().live();
  await Promise.all(Array.from({ length: count }, (_, i) => talk.send(`Number ${i + 1}.`)));
  return talk;
}

test("a conversation opens at the first new message, and messages are read when the end is visible", async () => {
  const talk = await unreadFor("frank", "Frank", 2);
  const bob = await signedIn("Bob Tanaka", { viewport: { width: 1180, height: 500 } });
  await bob.entry("Frank").click();
  await bob.entry("Frank").getByText("unread").waitFor({ state: "detached" });
  await bob.page.getByRole("button", { name: "Sign out" }).click();
  await Promise.all(Array.from({ length: 40 }, (_, i) => talk.send(`Number ${i + 3}.`)));
  talk.close();
  await bob.page.goto(new URL("/", bob.page.url()).href);
  await bob.page.getByRole("button", { name: "Bob Tanaka" }).click();
  await bob.entry("Frank").getByText("40 unread").waitFor();
  await bob.entry("Frank").click();
  await bob.page.getByRole("button", { name: "40 new" }).waitFor();
  const line = bob.page.locator(".unread-line");
  const [shown, list] = [
    await line.boundingBox(),
    await bob.page.locator(".scroller").boundingBox(),
  ];
  expect((shown?.y ?? 0) - (list?.y ?? 0)).toBeGreaterThan(-2);
  expect((shown?.y ?? 0) - (list?.y ?? 0)).toBeLessThan(40);
  expect(await line.evaluate((one) => one.nextElementSibling?.textContent)).toContain("Number 3.");
  await bob.page.getByRole("button", { name: "40 new" }).click();
  await bob.entry("Frank").getByText("unread").waitFor({ state: "detached" });
});

test("with more new messages than are loaded, the line is before the first loaded one", async () => {
  (await unreadFor("grace", "Grace", 70)).close();
  const bob = await signedIn("Bob Tanaka");
  await bob.entry("Grace").click();
  await bob.message("Number 70.").waitFor();
  await bob.page.locator(".scroller").hover();
  const first = bob.message("Number 1.");
  while (!(await first.isVisible())) {
    await bob.page.mouse.wheel(0, -1_500);
    await bob.page.waitForTimeout(50);
  }
  const line = bob.page.locator(".unread-line");
  await line.waitFor();
  expect(await line.evaluate((one) => one.nextElementSibling?.textContent)).toContain("Number 1.");
});

test("the confirmation of a sent message does not change the scroll position", async () => {
  const talk = await unreadFor("heidi", "Heidi", 40);
  talk.close();
  const bob = await signedIn("Bob Tanaka", { holdSockets: true });
  const { page } = bob;
  await bob.entry("Heidi").click();
  await bob.message("Number 40.").waitFor();
  const scroller = page.locator(".scroller");
  const place = () => scroller.evaluate((one) => one.scrollTop);
  await bob.loseNetwork();
  await page.getByRole("main").getByText("You are offline.").waitFor();
  await bob.say("On its way");
  await bob.message("On its way").waitFor();
  await scroller.evaluate((one) => one.scrollTo({ top: -600 }));
  await bob.say("To its end");
  await expect.poll(place).toBeGreaterThan(-1);
  await scroller.evaluate((one) => one.scrollTo({ top: -600 }));
  await bob.restoreNetwork();
  const unconfirmed = page.getByText(/Waiting for the network|Sending…/);
  await expect.poll(() => unconfirmed.count(), { timeout: SOON_MS }).toBe(0);
  await page.waitForTimeout(200);
  expect(await place()).toBeLessThan(-400);
});

test("a user who is added to a group again sees it at the place of the removal", async () => {
  const [owner] = await Promise.all([
    clientOf("ivan", "Ivan"),
    clientOf("bob", "Bob Tanaka"),
    clientOf("carol", "Carol Okafor"),
  ]);
  const { conversationId } = await owner.rest.group({
    ...{ title: "Come and go", participantIds: ["bob", "carol"] },
  });
  const bob = await signedIn("Bob Tanaka");
  await bob.entry("Come and go").click();
  await bob.composer("Come and go").waitFor();
  await owner.rest.removeParticipant(conversationId, "bob");
  await bob.page.getByText("You are not in this conversation.").waitFor();
  await bob.entry("Come and go").waitFor({ state: "detached" });
  await owner.rest.addParticipant(conversationId, "bob");
  await bob.composer("Come and go").waitFor();
});

test("arrow up edits the last message, while it can be edited", async () => {
  const bob = await signedIn("Bob Tanaka");
  await bob.talkTo("Carol Okafor");
  await bob.say("Said last");
  await bob.confirmed("Said last");
  await bob.composer().press("ArrowUp");
  await bob.page.getByText("Editing", { exact: true }).waitFor();
  await bob.composer().press("Escape");
  await bob.page.clock.setFixedTime(Date.now() + 20 * 60_000);
  await bob.composer().press("ArrowUp");
  expect(await bob.page.getByText("Editing", { exact: true }).count()).toBe(0);
});

test("a phone does not zoom the page for a field", async () => {
  const viewport = { width: 360, height: 720 };
  const bob = await signedIn("Bob Tanaka", { viewport, hasTouch: true, isMobile: true });
  const fields = bob.page.locator("input, textarea");
  await bob.talkTo("Carol Okafor");
  const sizes = await fields.evaluateAll((all) =>
    all.map((one) => Number.parseFloat(getComputedStyle(one).fontSize)),
  );
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(16);
});

test("unsent messages to a group from which the user was removed are shown, until discarded", async () => {
  const [owner] = await Promise.all([
    clientOf("judy", "Judy"),
    clientOf("bob", "Bob Tanaka"),
    clientOf("carol", "Carol Okafor"),
  ]);
  const { conversationId } = await owner.rest.group({
    ...{ title: "Without Bob", participantIds: ["bob", "carol"] },
  });
  const bob = await signedIn("Bob Tanaka", { holdSockets: true });
  const { page } = bob;
  await bob.entry("Without Bob").click();
  await bob.composer("Without Bob").waitFor();
  await bob.loseNetwork();
  await bob.say("Long thoughts");
  await bob.message("Long thoughts").waitFor();
  await owner.rest.removeParticipant(conversationId, "bob");
  await bob.restoreNetwork();
  await page.getByText("You are not in this conversation.").waitFor();
  const unsent = page.getByRole("region", { name: "Not sent" });
  await unsent.getByText("Long thoughts").waitFor();
  await unsent.getByRole("button", { name: "Discard" }).click();
  await unsent.waitFor({ state: "detached" });
  expect(await page.evaluate(() => Object.values(localStorage).join())).toBe("[]");
});

test("signing out closes the conversation for the next user", async () => {
  const bob = await signedIn("Bob Tanaka");
  const { page } = bob;
  await bob.talkTo("Carol Okafor");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Dave Lindqvist" }).click();
  await page.getByText("Nothing is open").waitFor();
});
