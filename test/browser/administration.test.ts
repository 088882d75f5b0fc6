import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { signedFor } from "../system/token.ts";
import { clientOf } from "./clients.ts";
import { look } from "./look.ts";
import { closeBrowser, signedIn } from "./people.ts";

/** What admins find at `/moderation` beside the reports. */

const TITLE = "Allotment holders";
let channelId: string;

beforeAll(async () => {
  const erwin = await clientOf("erwin", "Erwin Lindqvist");
  ({ channelId } = await erwin.rest.createChannel({ name: TITLE, isPublic: true }));
});
afterAll(closeBrowser);

/** The page of Dave, whose token is one of an admin. */
async function admin(options: { colorScheme?: "light" | "dark"; width?: number } = {}) {
  const { colorScheme = "light", width = 1180 } = options;
  const token = await signedFor("dave", 3_600, { name: "Dave Lindqvist", role: "admin" });
  const dave = await signedIn("Dave Lindqvist", {
    ...{
      colorScheme,
      viewport: { width, height: 800 },
      address: `${inject("address")}/moderation`,
    },
    tokens: { dave: token },
  });
  await dave.page.getByRole("button", { name: "People and conversations" }).click();
  return { dave, page: dave.page, token };
}

test("a resolver sees the reports only", async () => {
  const dave = await signedIn("Dave Lindqvist", { address: `${inject("address")}/moderation` });
  await dave.page.getByText("Back to the chat").waitFor();
  expect(await dave.page.getByRole("button", { name: "People and conversations" }).count()).toBe(0);
});

test.each([
  ["light", 1180],
  ["dark", 360],
] as const)(
  "%s, %i pixels wide: finds a person and bans them, and sees jobs",
  async (colorScheme, width) => {
    const { dave, page, token } = await admin({ colorScheme, width });
    const name = `${colorScheme}-${width}`;
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const body = JSON.stringify({ kind: "rebuild" });
    await fetch(`${inject("address")}/api/admin/jobs`, { method: "POST", headers, body });
    await page.getByLabel("Name, title or id").fill("Erwin");
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await look(dave, `${name}-administration`);
    await page.getByRole("button", { name: /Erwin Lindqvist/ }).click();
    const main = page.getByRole("main");
    await main.getByRole("button", { name: `channel: ${TITLE}` }).waitFor();
    await main
      .getByText(/^rebuild/)
      .first()
      .waitFor();
    await look(dave, `${name}-administration-person`);
    await main.getByRole("button", { name: "Ban", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Ban: Erwin Lindqvist" });
    await look(dave, `${name}-administration-ban`);
    expect(await dialog.getByRole("button", { name: "Ban", exact: true }).isDisabled()).toBe(true);
    await dialog.getByLabel("Why, for the audit log").fill("ticket 21");
    await dialog.getByRole("button", { name: "Ban", exact: true }).click();
    await main.getByText("ban: reason").waitFor();
    await main.getByRole("button", { name: "Lift the ban" }).click();
    const lifting = page.getByRole("dialog", { name: "Lift the ban: Erwin Lindqvist" });
    await lifting.getByLabel("Why, for the audit log").fill("a mistake");
    await lifting.getByRole("button", { name: "Lift the ban" }).click();
    await main.getByRole("button", { name: "Ban", exact: true }).waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(width);
  },
);

test("an erasure wants the id typed, an export ends with an archive, conversations are found by title and id", async () => {
  const { page } = await admin();
  await page.getByLabel("Name, title or id").fill("erwin");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByRole("button", { name: /Erwin Lindqvist/ }).click();
  await page.getByRole("main").getByRole("button", { name: "Erase" }).click();
  const dialog = page.getByRole("dialog", { name: "Erase: Erwin Lindqvist" });
  const erase = dialog.getByRole("button", { name: "Erase" });
  await dialog.getByLabel("Why, for the audit log").fill("request 18");
  await dialog.getByLabel(/^Type the id/).fill("erwi");
  expect(await erase.isDisabled()).toBe(true);
  await dialog.getByLabel(/^Type the id/).fill("erwin");
  expect(await erase.isDisabled()).toBe(false);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  const main = page.getByRole("main");
  await main.getByRole("button", { name: "Export" }).click();
  const asking = page.getByRole("dialog", { name: "Export: Erwin Lindqvist" });
  await asking.getByLabel("Why, for the audit log").fill("request 17");
  await asking.getByRole("button", { name: "Export" }).click();
  await main.getByRole("button", { name: "Download the archive" }).first().waitFor();
  for (const query of [TITLE, channelId]) {
    await page.getByLabel("Name, title or id").fill(query);
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await page.getByRole("button", { name: new RegExp(`${TITLE}.*${channelId}`) }).click();
    await page.getByRole("heading", { name: TITLE }).waitFor();
    await page.getByRole("main").getByText("stored bytes").waitFor();
  }
});
