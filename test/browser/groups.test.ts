import { afterAll, expect, inject, test } from "vitest";
import { Parley } from "../../src/client/parley.ts";
import { tokenFor } from "../system/server.ts";
import { closeBrowser, SOON_MS, signedIn } from "./people.ts";

afterAll(closeBrowser);

test("a group is created, and soon appears in all members' lists", async () => {
  const [bob, dave] = await Promise.all([signedIn("Bob Tanaka"), signedIn("Dave Lindqvist")]);
  await bob.page.getByRole("button", { name: "New conversation" }).click();
  const dialog = bob.page.getByRole("dialog", { name: "New conversation" });
  for (const name of ["Carol Okafor", "Dave Lindqvist"]) {
    await dialog.getByRole("button", { name }).click();
  }
  await dialog.getByLabel("Name of the group").fill("Hikers");
  await dialog.getByRole("button", { name: "Create group" }).click();
  await bob.composer("Hikers").waitFor();
  await bob.say("Saturday?");
  await dave.entry("Hikers").getByText("Bob: Saturday?").waitFor();
  await dave.entry("Hikers").click();
  await dave.message("Saturday?").getByText("Bob Tanaka").waitFor();
  await bob.message("Saturday?").getByText("Seen by Dave").waitFor();
  await bob.page.getByText("3 members, 2 online").waitFor();

  await dave.page.getByRole("button", { name: "Details" }).click();
  await dave.page.getByRole("button", { name: "Archive" }).click();
  await dave.entry("Hikers").waitFor({ state: "detached" });
  await dave.page.getByRole("button", { name: "Archived (1)" }).click();
  await dave.entry("Hikers").waitFor();

  await bob.page.getByRole("button", { name: "Details" }).click();
  await bob.page.getByRole("button", { name: "Remove Dave Lindqvist" }).click();
  await dave.page.getByText("You are not in this conversation.").waitFor();
});

test("a channel is created, found, joined, and archived", async () => {
  const [bob, dave] = await Promise.all([signedIn("Bob Tanaka"), signedIn("Dave Lindqvist")]);
  await bob.page.getByRole("button", { name: "Browse channels" }).click();
  await bob.page.getByLabel("Name", { exact: true }).fill("Gardening");
  await bob.page.getByLabel("What it is about").fill("Beds and borders");
  await bob.page.getByRole("button", { name: "Create channel" }).click();
  await bob.composer("Gardening").waitFor();
  await bob.say("Welcome");

  await dave.page.getByRole("button", { name: "Browse channels" }).click();
  await dave.page.getByRole("button", { name: "Join Gardening" }).click();
  await dave.message("Welcome").waitFor();
  await dave.say("Thank you");
  await bob.message("Thank you").waitFor();

  await bob.page.getByRole("button", { name: "Details" }).click();
  await bob.page.getByRole("button", { name: "Archive channel" }).click();
  await dave.page.getByText("This channel is archived").waitFor();
});

test("a long history can be scrolled back to its beginning without moving the visible messages", async () => {
  const dave = await signedIn("Dave Lindqvist");
  const token = await tokenFor("erin", "--name", "Erin");
  const erin = new Parley({ url: inject("address"), token: () => token });
  await erin.rest.conversations();
  const { conversationId } = await erin.rest.direct("dave");
  const conversation = await erin.conversation(conversationId).connect().live();
  const count = 180;
  await Promise.all(Array.from({ length: count }, (_, i) => conversation.send(`Number ${i + 1}.`)));
  conversation.close();

  await dave.entry("Erin").click();
  await dave.message(`Number ${count}.`).waitFor();
  expect(await dave.page.locator("[data-message]").count()).toBeLessThan(count);
  const scroller = dave.page.locator(".scroller");
  await scroller.hover();
  const seen: number[] = [];
  const deadline = Date.now() + SOON_MS * 2;
  while (!(await dave.page.getByText("This is where the conversation begins.").isVisible())) {
    expect(Date.now()).toBeLessThan(deadline);
    await dave.page.mouse.wheel(0, -1_200);
    seen.push(await dave.page.locator("[data-message]").count());
  }
  await dave.message("Number 1.").waitFor();
  const numbers = await dave.page
    .locator("[data-message]")
    .evaluateAll((all) => all.map((one) => Number((one as HTMLElement).dataset["message"])));
  expect(numbers).toEqual(Array.from({ length: count }, (_, i) => i + 1));

  const place = () => dave.message("Number 5.").evaluate((one) => one.getBoundingClientRect().top);
  // Waits until the scrolling has ended.
  await dave.message("Number 5.").hover();
  const before = await place();
  const again = await erin.conversation(conversationId).connect().live();
  await again.send("And one more.");
  again.close();
  await dave.page.getByRole("button", { name: /1 new/ }).waitFor();
  expect(Math.abs((await place()) - before)).toBeLessThan(2);
  await dave.page.getByRole("button", { name: /1 new/ }).click();
  await dave.message("And one more.").waitFor();
  await dave.entry("Erin").getByText("unread").waitFor({ state: "detached" });
});
