import { afterAll, expect, test } from "vitest";
import { closeBrowser, signedIn } from "./people.ts";

/** Dialogs show errors, stay open until they are closed, and return the focus. */

afterAll(closeBrowser);

test("an error in a dialog is shown inside it, and can be dismissed", async () => {
  const { page } = await signedIn("Alice Moreau");
  await page.getByRole("button", { name: "Browse channels" }).click();
  const dialog = page.getByRole("dialog", { name: "Channels" });
  await dialog.getByText("Loading…").waitFor({ state: "detached" });
  await page.context().setOffline(true);
  await dialog.getByLabel("Name", { exact: true }).fill("Gardening");
  await dialog.getByRole("button", { name: "Create channel" }).click();
  await dialog.getByText("The server could not be reached. Try again.").waitFor();
  await dialog.getByRole("button", { name: "Dismiss" }).click();
  await dialog.getByRole("alert").getByText("could not").waitFor({ state: "detached" });
});

test("a press that begins in a dialog does not close it, and a double click creates one channel", async () => {
  const { page } = await signedIn("Alice Moreau");
  await page.getByRole("button", { name: "Browse channels" }).click();
  const dialog = page.getByRole("dialog", { name: "Channels" });
  const field = dialog.getByLabel("Name", { exact: true });
  await field.fill("Twice pressed");
  await field.hover();
  await page.mouse.down();
  await page.mouse.move(20, 300);
  await page.mouse.up();
  expect(await dialog.isVisible()).toBe(true);

  let created = 0;
  await page.route("**/api/v1/chat/channels", async (route) => {
    if (route.request().method() === "POST") created++;
    await route.continue();
  });
  await dialog.getByRole("button", { name: "Create channel" }).dblclick();
  await page.getByRole("heading", { name: "Twice pressed" }).waitFor();
  expect(created).toBe(1);
});

test("the focus stays on a message that is deleted", async () => {
  const alice = await signedIn("Alice Moreau");
  const { page } = alice;
  await alice.talkTo("Dave Lindqvist");
  await alice.say("To be deleted");
  // After it is confirmed, the message is below the day's line, and the pointer would be above it.
  await alice.confirmed("To be deleted");
  await alice.act("To be deleted", "Delete");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).press("Enter");
  await page.getByText("Message deleted").waitFor();
  expect(await page.evaluate(() => document.activeElement?.matches(".is-deleted"))).toBe(true);
});
