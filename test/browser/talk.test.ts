import { afterAll, expect, test } from "vitest";
import { closeBrowser, signedIn } from "./people.ts";

afterAll(closeBrowser);

test("two users talk: messages, unread counts, presence, typing and read marks are live", async () => {
  const [alice, bob] = await Promise.all([signedIn("Alice Moreau"), signedIn("Bob Tanaka")]);
  await alice.talkTo("Bob Tanaka");
  await alice.say("Hello Bob!");
  await alice.say("Are you there?");

  const entry = bob.entry("Alice Moreau");
  await entry.getByText("2 unread").waitFor();
  await entry.getByText("Are you there?").waitFor();
  await bob.page.waitForFunction(() => /^\(\d+\) Parley$/.test(document.title));
  await entry.click();
  await bob.message("Hello Bob!").waitFor();
  await bob.page.getByText("New", { exact: true }).waitFor();
  await entry.getByText("unread").waitFor({ state: "detached" });
  await alice.message("Are you there?").getByText("Seen", { exact: true }).waitFor();
  await alice.page.getByRole("main").getByText("Online", { exact: true }).waitFor();

  await bob.composer("Alice Moreau").pressSequentially("I am");
  await alice.page.getByRole("main").getByText("Bob is typing…").waitFor();
  await bob.composer().press("Enter");
  await alice.message("I am").waitFor();
  await alice.page.getByRole("main").getByText("Bob is typing…").waitFor({ state: "detached" });

  await bob.page.close();
  await alice.page.getByRole("main").getByText("Offline", { exact: true }).waitFor();
});

test("a message is replied to, edited, reacted to and deleted, and both users see it", async () => {
  const [alice, bob] = await Promise.all([signedIn("Alice Moreau"), signedIn("Bob Tanaka")]);
  await alice.talkTo("Bob Tanaka");
  await bob.talkTo("Alice Moreau");
  await alice.say("Lunhc at twelve?");
  await alice.confirmed("Lunhc at twelve?");

  await alice.act("Lunhc at twelve?", "Edit");
  await alice.composer().fill("Lunch at twelve?");
  await alice.page.getByRole("button", { name: "Save" }).click();
  await bob.message("Lunch at twelve?").getByText("Edited").waitFor();

  await bob.act("Lunch at twelve?", "React");
  await bob.page.getByRole("dialog", { name: "Choose a reaction" }).getByText("🎉").click();
  const reaction = (name: string) => ({ name: `🎉 1, by ${name}` });
  await alice.page.getByRole("button", reaction("Bob Tanaka")).click();
  await bob.page.getByRole("button", { name: "🎉 2, by You, Alice Moreau" }).click();
  await alice.page.getByRole("button", reaction("You")).waitFor();

  await bob.act("Lunch at twelve?", "Reply");
  await bob.page.getByText("Replying to Alice Moreau").waitFor();
  await bob.say("With pleasure");
  const answer = alice.message("With pleasure");
  await answer.getByRole("button", { name: /In reply to\s+You\s+Lunch at twelve\?/ }).waitFor();

  await alice.act("Lunch at twelve?", "Seen by");
  await alice.page.getByRole("list", { name: "Readers" }).getByText("Bob Tanaka").waitFor();
  await alice.page.keyboard.press("Escape");
  await alice.act("Lunch at twelve?", "Delete");
  const question = alice.page.getByRole("dialog", { name: "Delete this message?" });
  await question.getByRole("button", { name: "Delete" }).click();
  await bob.page.getByText("Message deleted").first().waitFor();
  expect(await bob.message("Lunch at twelve?").count()).toBe(0);
});

test("a draft is restored when the page is loaded again, and not after it was sent", async () => {
  const alice = await signedIn("Alice Moreau");
  await alice.talkTo("Bob Tanaka");
  await alice.say("Said before");
  await alice.confirmed("Said before");
  await alice.composer().fill("Half a thou");
  // A cancelled edit does not change the draft.
  await alice.act("Said before", "Edit");
  await alice.page.reload();
  await alice.composer("Bob Tanaka").waitFor();
  expect(await alice.composer().inputValue()).toBe("Half a thou");
  await alice.say("Half a thought");
  await alice.message("Half a thought").waitFor();
  await alice.page.reload();
  await alice.message("Half a thought").waitFor();
  expect(await alice.composer().inputValue()).toBe("");
});
