import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { clientOf } from "./clients.ts";
import { look } from "./look.ts";
import { closeBrowser, type SignedInUser, signedIn } from "./people.ts";

/** The views of moderation: axe finds nothing serious in any of them, and each is saved as a screenshot. */

const CHANNEL = "neighbours";
const INSULT = "You are a fool, and so is your dog";

beforeAll(async () => {
  const [alice, bob, peggy, victor] = await Promise.all([
    clientOf("alice", "Alice Moreau"),
    clientOf("bob", "Bob Tanaka"),
    clientOf("peggy", "Peggy Arden"),
    clientOf("victor", "Victor Hale"),
  ]);
  const { channelId } = await alice.rest.createChannel({
    ...{ name: CHANNEL, description: "Everything between the two parks", isPublic: true },
  });
  await Promise.all([bob, peggy, victor].map(({ rest }) => rest.joinChannel(channelId)));
  const [hers, his, others] = await Promise.all(
    [alice, bob, peggy].map((one) => one.conversation(channelId).connect().live()),
  );
  if (!hers || !his || !others) throw new Error("not everybody is there");
  const { messageId } = await hers.send("Be kind. Dogs on a lead, please.");
  await his.send("Does anybody lend me a ladder?");
  const { messageId: insult } = await others.send(INSULT);
  await alice.rest.pin(channelId, messageId);
  await alice.rest.promote(channelId, "bob");
  await alice.rest.mute(channelId, "peggy", new Date(Date.now() + 86_400_000).toISOString());
  await alice.rest.ban(channelId, { userId: "victor", reason: "Sold ladders" });
  await alice.rest.updateConversation(channelId, { slowModeSeconds: 30 });
  await bob.rest.report(insult, { reason: "harassment", note: "The third time this week" });
  for (const one of [hers, his, others]) one.close();
});
afterAll(closeBrowser);

async function narrowEnough({ page }: SignedInUser, width: number): Promise<void> {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide).toBeLessThanOrEqual(width);
}

test.each([
  ["light", 1180],
  ["dark", 360],
] as const)("%s, %i pixels wide: menus, dialogs and details", async (colorScheme, width) => {
  const viewport = { width, height: width < 720 ? 720 : 820 };
  const name = `${colorScheme}-${width}`;
  const alice = await signedIn("Alice Moreau", { colorScheme, viewport });
  const { page } = alice;
  await alice.entry(CHANNEL).click();
  await alice.message(INSULT).waitFor();
  await alice.act(INSULT, "More");
  await page.getByRole("menu").waitFor();
  await look(alice, `${name}-message-menu`);
  await page.getByRole("menuitem", { name: "Report…" }).click();
  await page.getByRole("dialog", { name: "Report this message?" }).waitFor();
  await look(alice, `${name}-report`);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });

  const details = await alice.details(CHANNEL);
  await details.getByRole("list", { name: "Banned people" }).waitFor();
  await details.getByRole("button", { name: /Dogs on a lead/ }).waitFor();
  await details.getByRole("button", { name: "Settings" }).click();
  await look(alice, `${name}-moderated-details`);
  const names = details
    .getByRole("list", { name: "Members" })
    .locator(".member > span:nth-child(2)");
  for (const one of await names.all()) {
    // Roles and buttons leave room for the name.
    expect((await one.boundingBox())?.width).toBeGreaterThan(80);
  }
  await alice.pickAbout(details, "Peggy Arden", "Ban Peggy Arden");
  await page.getByRole("dialog", { name: "Ban Peggy Arden?" }).waitFor();
  await look(alice, `${name}-ban`);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.keyboard.press("Escape");
  if (width < 720) await page.getByRole("button", { name: "Back to the list" }).click();
  await page.getByRole("button", { name: "Blocked people" }).click();
  await page.getByText(/^Nobody\. /).waitFor();
  await look(alice, `${name}-blocked`);
  await narrowEnough(alice, width);
});

test.each([
  ["light", 1180],
  ["dark", 360],
] as const)("%s, %i pixels wide: reports", async (colorScheme, width) => {
  const viewport = { width, height: width < 720 ? 720 : 820 };
  const name = `${colorScheme}-${width}`;
  const address = `${inject("address")}/moderation`;
  const dave = await signedIn("Dave Lindqvist", { colorScheme, viewport, address });
  const { page } = dave;
  const row = page.getByRole("button", { name: /Peggy Arden.*The third time/ });
  await row.waitFor();
  await look(dave, `${name}-reports`);
  await row.click();
  await page.getByRole("main").getByText(INSULT).waitFor();
  await look(dave, `${name}-report-view`);
  await page.getByRole("button", { name: "Claim", exact: true }).click();
  await page.getByLabel("What was done").waitFor();
  await look(dave, `${name}-report-claimed`);
  await narrowEnough(dave, width);
  await page.getByRole("button", { name: "Give back" }).click();
  await page.getByText("Nobody works on it yet.").waitFor();
});
