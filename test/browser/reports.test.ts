import { afterAll, beforeAll, expect, inject, test } from "vitest";
import type { Parley } from "../../src/client/parley.ts";
import { clientOf } from "./clients.ts";
import { closeBrowser, signedIn } from "./people.ts";

/** Reports: made from a message's menu, worked on at /moderation. */

let walter: Parley;
beforeAll(async () => {
  walter = await clientOf("walter", "Walter Brandt");
  await Promise.all([clientOf("bob", "Bob Tanaka"), clientOf("carol", "Carol Okafor")]);
});
afterAll(closeBrowser);

/** Bob's page with a group in which Walter has said something. */
async function bobHears(title: string, texts: readonly string[]) {
  const { conversationId } = await walter.rest.group({ title, participantIds: ["bob", "carol"] });
  const talk = await walter.conversation(conversationId).connect().live();
  let last = "";
  for (const text of texts) ({ messageId: last } = await talk.send(text));
  const bob = await signedIn("Bob Tanaka");
  await bob.entry(title).click();
  await bob.message(texts.at(-1) ?? "").waitFor();
  return { bob, talk, last };
}

test("a message is reported, claimed, and resolved, as it was when it was reported", async () => {
  const texts = ["Nice weather", "You are a fool"];
  const { bob, talk, last } = await bobHears("Quarrel", texts);
  await bob.pick("You are a fool", "Report");
  const dialog = bob.page.getByRole("dialog", { name: "Report this message?" });
  await dialog.getByText("You are a fool").waitFor();
  await dialog.getByLabel("What is wrong").selectOption({ label: "Harassment" });
  await dialog.getByLabel("What the moderators should know").fill("Every day now");
  await dialog.getByRole("button", { name: "Report" }).click();
  await bob.page.getByRole("dialog", { name: "Thank you" }).waitFor();
  await bob.page.getByRole("button", { name: "Done" }).click();
  await talk.edit(last, "You are a fine person");
  talk.close();

  const dave = await signedIn("Dave Lindqvist");
  const { page } = dave;
  await page.getByRole("link", { name: "Reports" }).click();
  const list = page.getByRole("navigation", { name: "Open reports" });
  await list.getByRole("button", { name: /Walter Brandt.*Harassment, Every day now/ }).click();
  const report = page.getByRole("main");
  await report.getByText(/Harassment, reported by Bob Tanaka/).waitFor();
  await report.getByText("You are a fool").waitFor();
  await report.getByText("Nice weather").waitFor();
  expect(await report.getByText("fine person").count()).toBe(0);
  await report.getByRole("button", { name: "Claim" }).click();
  await report.getByLabel("What was done").selectOption({ label: "Person warned" });
  await report.getByLabel("For the record").fill("Wrote to him");
  await report.getByRole("button", { name: "Resolve" }).click();
  await report.getByText("Resolved by Dave Lindqvist").waitFor();

  await page.getByRole("button", { name: "Resolved" }).click();
  const resolved = page.getByRole("navigation", { name: "Resolved reports" });
  await resolved.getByRole("button", { name: /Walter Brandt.*Every day now/ }).click();
  await report.getByText("Person warned: Wrote to him").waitFor();
  await page.getByRole("link", { name: "Back to the chat" }).click();
  await page.getByRole("heading", { name: "Dave Lindqvist" }).waitFor();
});

test("a report that is given back is open again", async () => {
  const { bob, talk } = await bobHears("Spam", ["Win a prize now"]);
  await bob.pick("Win a prize now", "Report");
  await bob.page.getByRole("button", { name: "Report", exact: true }).click();
  await bob.page.getByRole("dialog", { name: "Thank you" }).waitFor();
  talk.close();
  const dave = await signedIn("Dave Lindqvist", { address: `${inject("address")}/moderation` });
  const { page } = dave;
  await page.getByRole("button", { name: /Walter Brandt.*Spam/ }).click();
  await page.getByRole("button", { name: "Claim", exact: true }).click();
  await page.getByRole("button", { name: "Claimed" }).click();
  await page.getByRole("button", { name: /Walter Brandt.*Yours: Spam/ }).waitFor();
  await page.getByRole("button", { name: "Give back" }).click();
  await page.getByText("Nobody works on it yet.").waitFor();
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByRole("button", { name: /Walter Brandt.*Spam/ }).waitFor();
});

test("the view of reports is for moderators of the platform alone", async () => {
  const bob = await signedIn("Bob Tanaka");
  expect(await bob.page.getByRole("link", { name: "Reports" }).count()).toBe(0);
  await bob.page.goto(`${inject("address")}/moderation`);
  await bob.page.getByText("This page is for moderators of the platform.").waitFor();
  // Chromium reports the refused request.
  expect(bob.complaints.splice(0).join()).toMatch(/403/);
});
