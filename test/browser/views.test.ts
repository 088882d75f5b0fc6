import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { keyOf } from "../../src/client/rest.ts";
import { clientOf } from "./clients.ts";
import { look } from "./look.ts";
import { closeBrowser, type SignedInUser, signedIn, signedOut } from "./people.ts";
import { picture } from "./picture.ts";

/** The main views: axe finds nothing serious in any of them, and each is saved as a screenshot. */

const HIKE = "Saturday hike";

beforeAll(async () => {
  const [bob, carol, dave, alice] = await Promise.all([
    clientOf("bob", "Bob Tanaka"),
    clientOf("carol", "Carol Okafor"),
    clientOf("dave", "Dave Lindqvist"),
    clientOf("alice", "Alice Moreau"),
  ]);
  const { channelId } = await bob.rest.createChannel({
    ...{ name: "trail-reports", description: "Mud, snow and views", isPublic: true },
  });
  await carol.rest.joinChannel(channelId);
  await bob.rest.invite(channelId, "alice");
  const direct = await dave.rest.direct("alice");
  const talk = await dave.conversation(direct.conversationId).connect().live();
  await talk.send("Could you look at the draft before noon?");
  await talk.send("No hurry otherwise.");
  const { conversationId } = await bob.rest.group({
    ...{ title: HIKE, participantIds: ["alice", "carol", "dave"] },
  });
  const [his, hers, daves, own] = await Promise.all(
    [bob, carol, dave, alice].map((one) => one.conversation(conversationId).connect().live()),
  );
  if (!his || !hers || !daves || !own) throw new Error("not everybody is there");
  const { messageId } = await his.send(
    "The forecast for Saturday looks good. Shall we do the ridge?",
  );
  await hers.send("Yes! I was up there last week, and the light was unreal:");
  const uploaded = await carol.rest.upload(
    new Blob([new Uint8Array(picture(640, 400))]),
    "ridge.png",
  );
  const shot = await hers.send({ content: "Eight in the evening", attachments: [keyOf(uploaded)] });
  await daves.send({ content: "Count me in. I bring the coffee.", replyTo: messageId });
  await daves.react(shot.messageId, "😍");
  await his.react(shot.messageId, "😍");
  await his.react(shot.messageId, "🔥");
  await own.send("Then it is settled.");
  await own.send("Eight o'clock at the station, and I bring the map!");
  await own.history({ limit: 1 });
  await Promise.all([his.read(), daves.read()]);
  await his.send("Perfect. See you there 👋");
  for (const one of [talk, his, hers, daves, own]) one.close();
});
afterAll(closeBrowser);

/** Opens a conversation and waits until all of its content is drawn. */
async function openHike(one: SignedInUser): Promise<void> {
  await one.entry(HIKE).click();
  const image = one.page.getByRole("img", { name: "ridge.png" });
  await image.evaluate((element: HTMLImageElement) => element.decode());
  await one.message("Perfect. See you there 👋").waitFor();
  // The field takes the focus a moment later.
  await one.page.waitForFunction(() => document.activeElement?.matches("textarea"));
}

test.each([
  ["light", 1180, "all"],
  ["dark", 1180, "main"],
  ["light", 360, "main"],
  ["dark", 360, "all"],
] as const)("%s, %i pixels wide: %s views", async (colorScheme, width, views) => {
  const isNarrow = width < 720;
  const viewport = { width, height: isNarrow ? 720 : 820 };
  const name = `${colorScheme}-${width}`;
  const alice = await signedIn("Alice Moreau", { colorScheme, viewport });
  const { page } = alice;
  await alice.entry(HIKE).getByText("Perfect. See you there 👋").waitFor();
  await look(alice, `${name}-inbox`);
  await openHike(alice);
  await look(alice, `${name}-conversation`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide).toBeLessThanOrEqual(width);
  if (views === "main") return;

  await alice.act("Then it is settled.", "React");
  await look(alice, `${name}-reactions`);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Details" }).click();
  await page.getByLabel("Notify me of").waitFor();
  await look(alice, `${name}-details`);
  await page.keyboard.press("Escape");
  if (isNarrow) await page.getByRole("button", { name: "Back to the list" }).click();
  await page.getByRole("button", { name: "New conversation" }).click();
  await look(alice, `${name}-new-conversation`);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Browse channels" }).click();
  await page.getByText("Mud, snow and views").waitFor();
  await look(alice, `${name}-channels`);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Notifications" }).click();
  await page.getByLabel("Do not disturb every day").check();
  await look(alice, `${name}-notifications`);
});

test("the sign-in page appears at once with all demonstration people", async () => {
  const page = await signedOut("about:blank");
  onTestFinished(() => page.context().close());
  await page.route("**/api/development/people", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await route.continue();
  });
  await page.addInitScript(() => {
    const shifts: number[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        shifts.push((entry as unknown as { value: number }).value);
    }).observe({ type: "layout-shift", buffered: true });
  });
  await page.goto(inject("address"));
  await page.getByRole("button", { name: "Dave Lindqvist" }).waitFor();
  // Paint events are reported a frame later.
  await page.waitForTimeout(200);
  expect(await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts)).toEqual([]);
});

test("the sign-in page", async () => {
  const alice = await signedIn("Alice Moreau");
  await alice.page.getByRole("button", { name: "Sign out" }).click();
  await alice.page.getByRole("button", { name: "Dave Lindqvist" }).waitFor();
  await look(alice, "welcome");
});

test.each([320, 1180])(
  "%i pixels wide: a message's toolbar never leaves the list",
  async (width) => {
    const alice = await signedIn("Alice Moreau", { viewport: { width, height: 500 } });
    await openHike(alice);
    const list = alice.page.locator(".scroller");
    const bounds = await list.boundingBox();
    const message = alice.message("Count me in. I bring the coffee.");
    // The upper half of the message is above the list.
    await message.evaluate((one) => {
      const line = one.querySelector(".bubble")?.getBoundingClientRect();
      const top = document.querySelector(".scroller")?.getBoundingClientRect().top ?? 0;
      const hidden = (line?.top ?? 0) + (line?.height ?? 0) / 2 - top;
      document.querySelector(".scroller")?.scrollBy(0, hidden);
    });
    // The pointer is where the conversation's entry was: over a message, whose tools would be shown instead.
    await alice.page.mouse.move(0, 0);
    await message.evaluate((one) => one.focus({ preventScroll: true }));
    const tools = await message.getByRole("toolbar").boundingBox();
    if (!bounds || !tools) throw new Error("one of them is not shown");
    expect(tools.y).toBeGreaterThanOrEqual(bounds.y);
    expect(tools.x).toBeGreaterThanOrEqual(bounds.x);
    expect(tools.x + tools.width).toBeLessThanOrEqual(bounds.x + bounds.width);
  },
);

test("everything can be reached with the keyboard", async () => {
  const alice = await signedIn("Alice Moreau");
  const { page } = alice;
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
  await alice.entry(HIKE).focus();
  await press("Enter");
  await alice.message("Perfect. See you there 👋").waitFor();
  await page.waitForFunction(() => document.activeElement?.matches("textarea"));
  await page.keyboard.type("By keyboard");
  await press("Enter");
  const message = page.locator("[data-message]").filter({ hasText: "By keyboard" });
  await message.waitFor();
  await message.focus();
  await press("ArrowUp");
  expect(await focused()).toContain("See you there");
  await press("ArrowDown", "Tab", "Enter");
  await page.getByRole("dialog", { name: "Choose a reaction" }).waitFor();
  await press("ArrowRight", "ArrowDown", "Enter");
  await message.getByRole("button", { name: /by You$/ }).waitFor();
  await page.getByRole("button", { name: "Details" }).focus();
  await press("Enter");
  await page.getByRole("dialog", { name: HIKE }).waitFor();
  await press("Escape");
  await page.waitForFunction(
    () => document.activeElement?.getAttribute("aria-label") === "Details",
  );
});
