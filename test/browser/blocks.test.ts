import { afterAll, beforeAll, expect, test } from "vitest";
import type { Parley } from "../../src/client/parley.ts";
import { clientOf } from "./clients.ts";
import { closeBrowser, signedIn } from "./people.ts";

/** People who are blocked: what the blocker sees of them, and what the others do. */

let trent: Parley;
beforeAll(async () => {
  trent = await clientOf("trent", "Trent Novak");
  await Promise.all([clientOf("bob", "Bob Tanaka"), clientOf("carol", "Carol Okafor")]);
});
afterAll(closeBrowser);

test("what a blocked person writes in a group is a placeholder, until they are unblocked", async () => {
  const { conversationId } = await trent.rest.group({
    title: "Allotments",
    participantIds: ["bob", "carol"],
  });
  const talk = await trent.conversation(conversationId).connect().live();
  await talk.send("Your beans are crooked");
  const [bob, carol] = await Promise.all([signedIn("Bob Tanaka"), signedIn("Carol Okafor")]);
  for (const one of [bob, carol]) {
    await one.entry("Allotments").click();
    await one.message("Your beans are crooked").waitFor();
  }
  await bob.pick("Your beans are crooked", "Block Trent Novak");
  const question = bob.page.getByRole("dialog", { name: "Block Trent Novak?" });
  await question.getByRole("button", { name: "Block" }).click();
  await bob.page
    .locator(".bubble")
    .getByText(/^Hidden: /)
    .waitFor();
  await bob.message("Your beans are crooked").waitFor({ state: "detached" });

  await talk.send("And so are your carrots");
  await carol.message("And so are your carrots").waitFor();
  await expect.poll(() => bob.page.locator(".bubble", { hasText: "Hidden: " }).count()).toBe(2);
  expect(await bob.page.getByText("carrots").count()).toBe(0);
  await bob.entry("Allotments").getByText("Hidden: ").waitFor();
  expect(await bob.entry("Allotments").getByText("unread").count()).toBe(0);
  // Nothing can be done with it but what its menu offers.
  const hidden = bob.page.locator(".message", { hasText: "Hidden: " }).last();
  await hidden.hover();
  expect(await hidden.getByRole("toolbar").getByRole("button").count()).toBe(1);

  await bob.page.getByRole("button", { name: "Blocked people" }).click();
  await bob.page.getByRole("button", { name: "Unblock Trent Novak" }).click();
  await bob.page.getByText(/^Nobody\. /).waitFor();
  await bob.page.keyboard.press("Escape");
  await bob.message("And so are your carrots").waitFor();
  await bob.message("Your beans are crooked").waitFor();
  talk.close();
});

test("neither can write to the other directly, and neither is told who blocked whom", async () => {
  const carol = await signedIn("Carol Okafor");
  const { conversationId } = await trent.rest.direct("carol");
  const talk = await trent.conversation(conversationId).connect().live();
  await talk.send("Hello?");
  await carol.entry("Trent Novak").click();
  await carol.message("Hello?").waitFor();
  const details = await carol.details("Trent Novak");
  await carol.pickAbout(details, "Trent Novak", "Block Trent Novak");
  await carol.page.getByRole("button", { name: "Block", exact: true }).click();
  await details.getByRole("button", { name: "More about Trent Novak" }).click();
  await carol.page.getByRole("menuitem", { name: "Unblock Trent Novak" }).waitFor();
  await carol.page.keyboard.press("Escape");
  await carol.page.keyboard.press("Escape");
  await carol.say("Leave me alone");
  await carol.page.getByText(/^Not sent: /).waitFor();
  await expect(talk.send("Why?")).rejects.toMatchObject({ code: "cannot_contact" });
  await carol.page.getByRole("button", { name: "Discard" }).click();
  talk.close();
});
