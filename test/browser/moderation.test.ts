import { afterAll, expect, test } from "vitest";
import { clientOf } from "./clients.ts";
import { closeBrowser, type SignedInUser, signedIn } from "./people.ts";

/** What owners and moderators of groups and channels do, and what the others see of it. */

afterAll(closeBrowser);

/** Bob's channel, with Dave in it; both are signed in and have it open. */
async function channelOfBob(name: string) {
  const clients = await Promise.all([
    clientOf("bob", "Bob Tanaka"),
    clientOf("dave", "Dave Lindqvist"),
  ]);
  const [bobs, daves] = clients;
  const { channelId } = await bobs.rest.createChannel({ name, isPublic: true });
  await daves.rest.joinChannel(channelId);
  const [bob, dave] = await Promise.all([signedIn("Bob Tanaka"), signedIn("Dave Lindqvist")]);
  for (const one of [bob, dave]) {
    await one.entry(name).click();
    await one.composer(name).waitFor();
  }
  return { bob, dave, channelId };
}

async function close(one: SignedInUser): Promise<void> {
  await one.page.keyboard.press("Escape");
  await one.page.getByRole("dialog").waitFor({ state: "detached" });
}

test("a moderator deletes another's message: all see who did it, its author too", async () => {
  const { bob, dave } = await channelOfBob("Deletions");
  await dave.say("Buy my bicycle");
  await dave.confirmed("Buy my bicycle");
  await bob.pick("Buy my bicycle", "Delete for everybody");
  const question = bob.page.getByRole("dialog", { name: "Delete this message?" });
  await question.getByRole("button", { name: "Delete" }).click();
  for (const one of [bob, dave]) await one.page.getByText("Deleted by a moderator").waitFor();
  expect(await dave.message("Buy my bicycle").count()).toBe(0);
  await dave.say("I see");
  await dave.confirmed("I see");
  await dave.act("I see", "Delete");
  await dave.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await bob.page.getByText("Message deleted").waitFor();
});

test("members cannot pin or delete what others wrote", async () => {
  const { bob, dave } = await channelOfBob("Rights");
  await bob.say("Mine alone");
  await dave.message("Mine alone").waitFor();
  await dave.act("Mine alone", "More");
  const menu = dave.page.getByRole("menu");
  expect(await menu.getByRole("menuitem").allTextContents()).toEqual([
    "Report…",
    "Block Bob Tanaka…",
  ]);
  await dave.page.keyboard.press("Escape");
  await menu.waitFor({ state: "detached" });
  const details = await dave.details("Rights");
  expect(await details.getByRole("button", { name: "Settings" }).count()).toBe(0);
});

test("messages are pinned, found from the details, and unpinned", async () => {
  const { bob, dave } = await channelOfBob("Pins");
  await bob.say("House rules");
  await bob.confirmed("House rules");
  await bob.pick("House rules", "Pin");
  const details = await dave.details("Pins");
  const pinned = details.getByRole("list", { name: "Pinned messages" });
  await pinned.getByRole("button", { name: /House rules/ }).click();
  await details.waitFor({ state: "detached" });
  await dave.page.waitForFunction(() => document.activeElement?.textContent?.includes("House"));
  const his = await bob.details("Pins");
  await his.getByRole("button", { name: "Unpin" }).click();
  await his.getByRole("list", { name: "Pinned messages" }).waitFor({ state: "detached" });
});

test("the name, slow mode and the lock are set in the details, and hold at once", async () => {
  const { bob, dave } = await channelOfBob("Before");
  const details = await bob.details("Before");
  await details.getByRole("button", { name: "Settings" }).click();
  await details.getByLabel("Name").fill("Afterwards");
  await details.getByLabel(/Slow mode/).selectOption({ label: "5 minutes" });
  await details.getByRole("button", { name: "Save" }).click();
  await dave.page.getByRole("heading", { name: "Afterwards" }).waitFor();
  await dave.page.getByText("Slow mode: 5 minutes").waitFor();
  await dave.say("One");
  await dave.confirmed("One");
  await dave.say("Two");
  await dave.page.getByText(/^Not sent: /).waitFor();
  await dave.page.getByRole("button", { name: "Discard" }).click();

  const again = bob.page.getByRole("dialog", { name: "Afterwards" });
  await again.getByRole("button", { name: "Settings" }).click();
  await again.getByLabel("Only moderators can write").check();
  await again.getByRole("button", { name: "Save" }).click();
  await dave.page.getByText("Only moderators can write here.").waitFor();
  expect(await dave.composer().count()).toBe(0);
  await close(bob);
  await bob.say("Silence, please");
  await dave.message("Silence, please").waitFor();
});

test("a member is made a moderator, and has the rights of one at once", async () => {
  const { bob, dave } = await channelOfBob("Roles");
  const details = await bob.details("Roles");
  await bob.pickAbout(details, "Dave Lindqvist", "Make a moderator");
  await details.getByRole("listitem").filter({ hasText: "Dave" }).getByText("Moderator").waitFor();
  const his = await dave.details("Roles");
  await his.getByRole("button", { name: "Settings" }).waitFor();
  await bob.pickAbout(details, "Dave Lindqvist", "No longer a moderator");
  await his.getByRole("button", { name: "Settings" }).waitFor({ state: "detached" });
});

test("a member is muted and unmuted", async () => {
  const { bob, dave } = await channelOfBob("Muted");
  const details = await bob.details("Muted");
  await bob.pickAbout(details, "Dave Lindqvist", "Mute Dave Lindqvist");
  const question = bob.page.getByRole("dialog", { name: "Mute Dave Lindqvist?" });
  await question.getByLabel("How long").selectOption({ label: "for a week" });
  await question.getByRole("button", { name: "Mute" }).click();
  await dave.page.getByText(/^You can only read here until /).waitFor();
  await details.getByText(/^Muted until /).waitFor();
  await bob.pickAbout(details, "Dave Lindqvist", "Unmute Dave Lindqvist");
  await dave.composer("Muted").waitFor();
});

test("somebody who is banned is out at once and cannot come back until it is lifted", async () => {
  const { bob, dave } = await channelOfBob("Banned");
  const details = await bob.details("Banned");
  await bob.pickAbout(details, "Dave Lindqvist", "Ban Dave Lindqvist");
  const question = bob.page.getByRole("dialog", { name: "Ban Dave Lindqvist?" });
  await question.getByLabel("Why").fill("Sold bicycles");
  await question.getByRole("button", { name: "Ban" }).click();
  await dave.page.getByText("You are not in this conversation.").waitFor();
  const banned = details.getByRole("list", { name: "Banned people" });
  await banned.getByText("For good: Sold bicycles").waitFor();

  await dave.page.getByRole("button", { name: "Browse channels" }).click();
  await dave.page.getByRole("button", { name: "Join Banned" }).click();
  await dave.page
    .getByRole("dialog")
    .getByRole("alert")
    .getByText(/banned/i)
    .waitFor();
  // Chromium reports the refused request.
  expect(dave.complaints.splice(0).join()).toMatch(/403/);
  await banned.getByRole("button", { name: "Lift the ban of Dave Lindqvist" }).click();
  await banned.waitFor({ state: "detached" });
  await dave.page.getByRole("button", { name: "Join Banned" }).click();
  await dave.composer("Banned").waitFor();
});

test("a message's menu is used with the keyboard, and returns the focus", async () => {
  const { bob, dave } = await channelOfBob("Keys");
  await dave.say("Within reach");
  await bob.message("Within reach").waitFor();
  const { page } = bob;
  await bob.message("Within reach").focus();
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
  for (let step = 0; step < 3; step++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  expect(await focused()).toBe("Pin");
  await page.keyboard.press("End");
  expect(await focused()).toBe("Block Dave Lindqvist…");
  await page.keyboard.press("ArrowDown");
  expect(await focused()).toBe("Pin");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "More");
});
