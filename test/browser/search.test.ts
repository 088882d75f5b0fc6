import { afterAll, beforeAll, expect, test } from "vitest";
import type { Parley } from "../../src/client/parley.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import { clientOf } from "./clients.ts";
import { look } from "./look.ts";
import { closeBrowser, type SignedInUser, signedIn } from "./people.ts";

/** The search of the page: people, conversations and messages, as one types. */

const LONG = "Field notes";
/** Messages of the long conversation; the page loads the newest 50. */
const COUNT = 400;

let heidi: Parley;
/** Ids of the conversations by their titles. */
const ids = new Map<string, string>();

beforeAll(async () => {
  heidi = await clientOf("heidi", "Heidi Brandt");
  await Promise.all([
    clientOf("ivan", "Ivan Petrov"),
    clientOf("alice", "Alice Moreau"),
    clientOf("carol", "Carol Okafor"),
    clientOf("noa", "Noa Ben-Ami"),
  ]);
  const { conversationId } = await heidi.rest.group({
    ...{ title: LONG, participantIds: ["alice", "ivan"] },
  });
  ids.set(LONG, conversationId);
  const talk = await heidi.conversation(conversationId).connect().live();
  const texts = Array.from({ length: COUNT }, (_, i) => `Entry ${i + 1}: nothing much`);
  texts[99] = "Entry 100: a heron 🐦 at the C++20 pond <b>bold</b> & more";
  texts[101] = "שלום לאנפה";
  texts[COUNT - 3] = "Entry with another heron";
  await Promise.all(texts.map((content) => talk.send({ content })));
  talk.close();
  const tides = await heidi.rest.group({ title: "Tides", participantIds: ["alice", "ivan"] });
  ids.set("Tides", tides.conversationId);
  await heidi.rest.sendMessage({
    ...{ conversationId: tides.conversationId, content: "No bird but a heron at noon" },
  });
  const { channelId } = await heidi.rest.createChannel({
    ...{ name: "herons-and-egrets", description: "Wading birds", isPublic: true },
  });
  ids.set("herons-and-egrets", channelId);
});
afterAll(closeBrowser);

/** The search, opened by the keyboard. */
async function opened({ page }: SignedInUser) {
  await page.keyboard.press("Control+k");
  const dialog = page.getByRole("dialog", { name: "Search" });
  const field = dialog.getByRole("combobox");
  await expectFocus(field);
  const option = (text: string | RegExp) => dialog.getByRole("option").filter({ hasText: text });
  const active = () => dialog.locator('[aria-selected="true"]').innerText();
  return { dialog, field, option, active };
}

async function expectFocus(field: ReturnType<SignedInUser["composer"]>): Promise<void> {
  await field.waitFor();
  const page = field.page();
  const element = await field.elementHandle();
  await page.waitForFunction((one) => document.activeElement === one, element);
}

test("people, conversations, channels and messages are found as one types, and their matches are marked", async () => {
  const alice = await signedIn("Alice Moreau");
  await alice.entry("Tides").waitFor();
  const { dialog, field, option } = await opened(alice);
  await dialog.getByRole("group", { name: "Recent conversations" }).waitFor();
  await field.fill("hero");
  await dialog.getByRole("group", { name: "Channels" }).getByText("herons-and-egrets").waitFor();
  await option("No bird but a heron at noon").waitFor();
  expect(await dialog.locator("mark").allInnerTexts()).toEqual(
    expect.arrayContaining([expect.stringMatching(/^hero/)]),
  );
  await dialog.getByText("3 messages.").waitFor();
  // Content is never markup.
  expect(await dialog.locator("b").count()).toBe(0);
  await option("<b>bold</b>").waitFor();

  await field.fill("tide");
  await dialog.getByRole("group", { name: "Conversations" }).getByText("Tides").waitFor();
  await option("No bird").waitFor({ state: "detached" });
  await field.fill("okafor");
  await dialog.getByRole("group", { name: "People" }).getByText("Carol Okafor").waitFor();
  await dialog.getByText("No message was found.").waitFor();
  await option("Carol Okafor").click();
  await alice.composer("Carol Okafor").waitFor();
});

test("a message far back is shown in its surroundings, in a conversation that was not open, and both ways lead on", async () => {
  const alice = await signedIn("Alice Moreau");
  const { page } = alice;
  await alice.entry(LONG).getByText("unread").waitFor();
  const { field, option } = await opened(alice);
  await field.fill("C++");
  await option("heron").waitFor();
  const frames: string[] = [];
  page.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => frames.push(String(payload))),
  );
  await page.keyboard.press("Enter");
  const found = page.locator("[data-message='100']");
  await expectFocus(found);
  expect(await found.evaluate(isVisible)).toBe(true);
  // A page around it, and at most one in each direction; not all 300 messages on the way.
  expect(frames.filter((frame) => frame.includes('"history"')).length).toBeLessThanOrEqual(3);
  expect(await numbers(alice)).not.toContain(COUNT);
  // Nothing of what is not shown was read.
  await alice.entry(LONG).getByText("unread").waitFor();
  expect(frames.filter((frame) => frame.includes('"read"'))).toEqual([]);

  // What changes there is shown at once.
  const id = ids.get(LONG) ?? "";
  const talk = await heidi.conversation(id).connect().live();
  await talk.edit(messageIdOf(id, 101), "Entry 101: corrected");
  await alice.message("Entry 101: corrected").waitFor();
  talk.close();
  await page.keyboard.press("ArrowDown");
  expect(await page.evaluate(() => document.activeElement?.textContent)).toContain("corrected");

  // Scrolling down reaches the newest messages, without a gap and without losing the place.
  await page.locator(".scroller").hover();
  while (await page.getByText("Loading newer messages…").isVisible()) {
    await page.mouse.wheel(0, 2_000);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  const all = await numbers(alice);
  expect(all.at(-1)).toBe(COUNT);
  expect(all).toEqual(Array.from(all, (_, i) => (all[0] ?? 0) + i));
  await page.locator(".to-end").click();
  await alice.entry(LONG).getByText("unread").waitFor({ state: "detached" });
});

test("the newest messages are one press away, also by writing", async () => {
  const alice = await signedIn("Alice Moreau");
  const { page } = alice;
  await alice.entry(LONG).click();
  await alice.message(`Entry ${COUNT}: nothing much`).waitFor();
  const { field, option } = await opened(alice);
  await field.fill('"pond"');
  await option("pond").click();
  await expectFocus(page.locator("[data-message='100']"));
  await page.getByRole("button", { name: "Newest" }).click();
  await alice.message(`Entry ${COUNT}: nothing much`).waitFor();
  expect(await alice.message(`Entry ${COUNT}: nothing much`).evaluate(isVisible)).toBe(true);

  await opened(alice);
  await page.keyboard.type('"pond"');
  await option("pond").waitFor();
  await page.keyboard.press("Enter");
  await expectFocus(page.locator("[data-message='100']"));
  await alice.say("Back at the end");
  await alice.confirmed("Back at the end");
  expect(await alice.message("Back at the end").evaluate(isVisible)).toBe(true);
  expect(await numbers(alice)).not.toContain(100);
});

test("keyboard: arrows choose, Escape closes and returns the focus, and the search can be of one conversation", async () => {
  const alice = await signedIn("Alice Moreau");
  const { page } = alice;
  await alice.entry("Tides").click();
  await expectFocus(alice.composer("Tides"));
  const { dialog, field, option, active } = await opened(alice);
  await field.fill("heron");
  await option("at noon").waitFor();
  await option("herons-and-egrets").waitFor();
  const first = await active();
  await page.keyboard.press("ArrowUp");
  const last = await active();
  expect(last).not.toBe(first);
  await page.keyboard.press("ArrowDown");
  expect(await active()).toBe(first);
  const chosen = await field.getAttribute("aria-activedescendant");
  expect(await page.locator(`[id="${chosen}"]`).innerText()).toBe(first);

  await dialog.getByLabel("Only in this conversation").check();
  await dialog.getByText("1 message.").waitFor();
  expect(await dialog.getByRole("option").count()).toBe(1);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await expectFocus(alice.composer("Tides"));

  await page.getByRole("button", { name: "Search here" }).click();
  expect(await dialog.getByLabel("Only in this conversation").isChecked()).toBe(true);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  expect(await dialog.getByLabel("Only in this conversation").isChecked()).toBe(false);
});

test("a late answer to an earlier text is never shown, and its request is aborted", async () => {
  const alice = await signedIn("Alice Moreau");
  const { page } = alice;
  const asked: string[] = [];
  let release = () => undefined as unknown;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route("**/messages/search?**", async (route) => {
    const q = new URL(route.request().url()).searchParams.get("q") ?? "";
    asked.push(q);
    if (q === "noon") await held;
    // It was aborted by then.
    await route.continue().catch(() => undefined);
  });
  const aborted = page.waitForEvent("requestfailed");
  const { dialog, field, option } = await opened(alice);
  await field.fill("noon");
  await expect.poll(() => asked).toEqual(["noon"]);
  await field.fill("pond");
  expect((await aborted).url()).toContain("q=noon");
  await option("C++20 pond").waitFor();
  release();
  await dialog.getByText("1 message.").waitFor();
  expect(await option("at noon").count()).toBe(0);
  expect(asked).toEqual(["noon", "pond"]);
});

test("typing asks once it pauses, and too many requests wait as long as the server wants, for the newest text", async () => {
  const alice = await signedIn("Alice Moreau", { withClock: true });
  const { page } = alice;
  const asked: string[] = [];
  let refusals = 1;
  await page.route("**/messages/search?**", async (route) => {
    asked.push(new URL(route.request().url()).searchParams.get("q") ?? "");
    if (refusals-- <= 0) return route.continue();
    return route.fulfill({
      ...{ status: 429, headers: { "Retry-After": "20" } },
      json: { error: "Too many requests.", code: "rate_limited" },
    });
  });
  // The browser reports refused requests itself.
  const { dialog, field, option } = await opened(alice);
  await field.pressSequentially("heron");
  expect(asked).toEqual([]);
  await page.clock.runFor(149);
  expect(asked).toEqual([]);
  await page.clock.runFor(1);
  await dialog.getByText("this one waits a moment").waitFor();
  expect(asked).toEqual(["heron"]);
  await field.fill("at noon");
  await page.clock.runFor(19_000);
  expect(asked).toEqual(["heron"]);
  await page.clock.runFor(2_000);
  await option("at noon").waitFor();
  expect(asked).toEqual(["heron", "at noon"]);
  expect(await page.getByRole("alert").getByText("Too many").count()).toBe(0);
  expect(alice.complaints.splice(0).filter((text) => !text.includes("429"))).toEqual([]);
});

test("what was not searched is said, more is loaded by request, and a query that is refused says why", async () => {
  const alice = await signedIn("Alice Moreau");
  const { page } = alice;
  await page.route("**/messages/search?**", async (route) => {
    const { searchParams } = new URL(route.request().url());
    if (searchParams.get("q") === "-heron") return route.continue();
    const answer = await route.fetch();
    const { hits } = await answer.json();
    const isFirst = searchParams.get("cursor") === null;
    return route.fulfill({
      json: {
        ...{ hits: isFirst ? hits.slice(0, 1) : hits.slice(1), cursor: isFirst ? "next" : null },
        ...{ searchedBack: isFirst ? "2026-03-03T12:00:00.000Z" : null, incomplete: true },
        failed: isFirst ? ["one", "two"] : ["two", "three"],
      },
    });
  });
  await page.route("**/messages/search?**cursor=next**", async (route) => {
    await route.fallback({ url: route.request().url().replace("&cursor=next", "") });
  });
  const { dialog, field, option, active } = await opened(alice);
  await field.fill("heron");
  await dialog
    .getByText("1 message. Searched back to 3 March 2026. 2 conversations could not be searched.")
    .waitFor();
  while (!(await active()).includes("Search further back")) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await dialog.getByText("3 messages. 3 conversations could not be searched.").waitFor();
  expect(await option("Search further back").count()).toBe(0);
  await field.fill("-heron");
  await option("heron").first().waitFor({ state: "detached" });
  await dialog.getByText("Searching…").waitFor({ state: "detached" });
  expect(await dialog.getByRole("status").innerText()).not.toBe("");
  expect(alice.complaints.splice(0).filter((text) => !text.includes("400"))).toEqual([]);
});

test.each([
  ["light", 1180],
  ["dark", 1180],
  ["light", 320],
  ["dark", 320],
] as const)("%s, %i pixels wide: results, also right to left", async (colorScheme, width) => {
  const alice = await signedIn("Alice Moreau", { colorScheme, viewport: { width, height: 640 } });
  const { page } = alice;
  const { dialog, field, option } = await opened(alice);
  await look(alice, `${colorScheme}-${width}-search-empty`);
  await field.fill("heron");
  await dialog.getByText("3 messages.").waitFor();
  await look(alice, `${colorScheme}-${width}-search`);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
    width,
  );
  const bounds = await dialog.boundingBox();
  expect(bounds?.x).toBeGreaterThanOrEqual(0);
  expect((bounds?.x ?? 0) + (bounds?.width ?? 0)).toBeLessThanOrEqual(width);
  await field.fill("שלום");
  const text = option("לאנפה").locator(".found-text");
  await text.waitFor();
  expect(await text.evaluate((one) => getComputedStyle(one).direction)).toBe("rtl");
  await look(alice, `${colorScheme}-${width}-search-rtl`);
});

function isVisible(one: Element): boolean {
  const { top, bottom } = one.getBoundingClientRect();
  const view = one.closest(".scroller")?.getBoundingClientRect();
  return view !== undefined && bottom > view.top && top < view.bottom;
}

/** The numbers of the messages that are rendered. */
function numbers({ page }: SignedInUser): Promise<number[]> {
  return page
    .locator("[data-message]")
    .evaluateAll((all) => all.map((one) => Number((one as HTMLElement).dataset["message"])));
}
