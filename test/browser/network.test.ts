import { afterAll, expect, test } from "vitest";
import { closeBrowser, signedIn } from "./people.ts";

afterAll(closeBrowser);

test("a message written without a network is sent once after reconnecting", async () => {
  const [carol, dave] = await Promise.all([
    signedIn("Carol Okafor", { holdSockets: true }),
    signedIn("Dave Lindqvist"),
  ]);
  await carol.talkTo("Dave Lindqvist");
  await dave.talkTo("Carol Okafor");
  await carol.say("Before");
  await dave.message("Before").waitFor();

  await carol.loseNetwork();
  const status = carol.page.getByRole("main").getByRole("status");
  await status.getByText("You are offline.").waitFor();
  await carol.say("In the tunnel");
  await carol.say("Still in it");
  await carol.message("Still in it").getByText("Waiting for the network").waitFor();
  await dave.say("Are you in the tunnel?");
  await dave.message("Are you in the tunnel?").waitFor();

  await carol.restoreNetwork();
  await carol.message("Are you in the tunnel?").waitFor();
  await status.getByText("You are offline.").waitFor({ state: "detached" });
  await dave.message("Still in it").waitFor();
  await carol.message("Still in it").getByText("Seen").waitFor();
  await dave.say("Out of it?");
  await carol.message("Out of it?").waitFor();
  for (const text of ["In the tunnel", "Still in it", "Are you in the tunnel?"]) {
    expect(await dave.message(text).count()).toBe(1);
    expect(await carol.message(text).count()).toBe(1);
  }
  const order = await dave.page.locator(".bubble > .text").allTextContents();
  expect(order.slice(-3)).toEqual(["In the tunnel", "Still in it", "Out of it?"]);
});

test("a page that is loaded again sends the previous page's unsent messages", async () => {
  const [carol, dave] = await Promise.all([
    signedIn("Carol Okafor", { holdSockets: true }),
    signedIn("Dave Lindqvist"),
  ]);
  await carol.talkTo("Dave Lindqvist");
  await dave.talkTo("Carol Okafor");
  await carol.say("Loaded");
  await dave.message("Loaded").waitFor();
  await carol.loseNetwork();
  await carol.say("Written before the page was loaded again");
  const unsent = carol.message("Written before the page was loaded again");
  await unsent.getByText("Waiting for the network").waitFor();
  // The page has a network and its sockets have none, so that the first page sends nothing.
  await carol.page.context().setOffline(false);
  await Promise.all([carol.page.waitForEvent("load"), carol.page.reload()]);
  await carol.restoreNetwork();
  await dave.message("Written before the page was loaded again").waitFor();
  await carol.message("Written before the page was loaded again").waitFor();
  await carol.page.getByText("Sending…").waitFor({ state: "detached" });
  expect(await dave.message("Written before the page was loaded again").count()).toBe(1);
});

test("without a connection the page shows neither online nor offline", async () => {
  const [carol, dave] = await Promise.all([
    signedIn("Carol Okafor", { holdSockets: true }),
    signedIn("Dave Lindqvist"),
  ]);
  await carol.talkTo("Dave Lindqvist");
  await dave.talkTo("Carol Okafor");
  const told = carol.page.getByText(/^(Online|Offline|, online)$/);
  await carol.page.getByRole("main").getByText("Online", { exact: true }).waitFor();
  await carol.entry("Dave Lindqvist").getByText(", online").waitFor({ state: "attached" });
  await carol.loseNetwork();
  await carol.page.getByRole("main").getByText("You are offline.").waitFor();
  expect(await told.count()).toBe(0);
  expect(await carol.page.locator(".online-dot").count()).toBe(0);
  await carol.restoreNetwork();
  await carol.page.getByRole("main").getByText("Online", { exact: true }).waitFor();
});

test("an edit, a reaction and a deletion without a network are shown as pending", async () => {
  const [carol, dave] = await Promise.all([
    signedIn("Carol Okafor", { holdSockets: true }),
    signedIn("Dave Lindqvist"),
  ]);
  await carol.talkTo("Dave Lindqvist");
  await dave.talkTo("Carol Okafor");
  for (const text of ["To be editde", "To be liked", "To be removed"]) {
    await carol.say(text);
    await carol.confirmed(text);
    await dave.message(text).waitFor();
  }
  await carol.loseNetwork();
  await carol.page.getByRole("main").getByText("You are offline.").waitFor();
  await carol.act("To be editde", "Edit");
  await carol.composer().fill("To be edited");
  await carol.page.getByRole("button", { name: "Save" }).click();
  await carol.act("To be liked", "React");
  await carol.page.getByRole("dialog", { name: "Choose a reaction" }).getByText("🎉").click();
  await carol.act("To be removed", "Delete");
  await carol.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  for (const text of ["To be edited", "To be liked", "To be removed"]) {
    await carol.message(text).getByText("Waiting for the network").waitFor();
  }
  await carol.restoreNetwork();
  await dave.message("To be edited").getByText("Edited", { exact: true }).waitFor();
  await dave.message("To be liked").getByRole("button", { name: /^🎉 1/ }).waitFor();
  await dave.page.getByText("Message deleted").waitFor();
  await carol.page.getByText("Waiting for the network").waitFor({ state: "detached" });
});
