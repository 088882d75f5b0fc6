import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import type { Parley } from "../../src/client/parley.ts";
import { clientOf } from "./clients.ts";
import { closeBrowser, type SignedInUser, SOON_MS, signedIn } from "./people.ts";

/** The list of conversations over the inbox's socket: what it shows, and what it costs. */

let heidi: Parley;
beforeAll(async () => {
  heidi = await clientOf("heidi", "Heidi Brandt");
  // A user is known after their first request.
  await Promise.all([
    clientOf("ivan", "Ivan Petrov"),
    clientOf("alice", "Alice Moreau"),
    clientOf("carol", "Carol Okafor"),
    clientOf("dave", "Dave Lindqvist"),
  ]);
});
afterAll(closeBrowser);

/** What a page has asked of the server since the last look, pings aside. */
class Traffic {
  readonly requests: string[] = [];
  readonly commands: string[] = [];
  /** Sockets that are open, by their path. */
  readonly sockets: string[] = [];
  pings = 0;
  pongs = 0;

  constructor(page: Page) {
    page.on("request", (request) => this.requests.push(request.url()));
    page.on("websocket", (socket) => {
      const path = new URL(socket.url()).pathname;
      this.requests.push(path);
      this.sockets.push(path);
      socket.on("close", () => this.sockets.splice(this.sockets.indexOf(path), 1));
      socket.on("framesent", ({ payload }) => {
        if (payload === "ping") this.pings++;
        else this.commands.push(String(payload));
      });
      socket.on("framereceived", ({ payload }) => {
        if (payload === "pong") this.pongs++;
      });
    });
  }

  forget(): void {
    this.requests.length = 0;
    this.commands.length = 0;
  }
}

/** Signs in with a clock that the test moves, and counts from then on. */
async function watched(name: "Alice Moreau" | "Carol Okafor") {
  const one = await signedIn(name, { withClock: true });
  await one.page.goto("about:blank");
  const traffic = new Traffic(one.page);
  await one.page.goto(inject("address"));
  await one.page.getByRole("heading", { name }).waitFor();
  return { one, traffic };
}

/** Lets the page's clock run, in steps in which its pings are answered. */
async function pass({ page }: SignedInUser, traffic: Traffic, minutes: number): Promise<void> {
  for (let second = 0; second < minutes * 60; second += 5) {
    await page.clock.runFor(5_000);
    await vi.waitFor(() => expect(traffic.pongs).toBe(traffic.pings), { timeout: SOON_MS });
  }
}

/** A group of Heidi's with somebody, and Heidi's connection to it. */
async function talkOf(title: string, userId: string) {
  const participantIds = [userId, "ivan"];
  const { conversationId } = await heidi.rest.group({ title, participantIds });
  return heidi.conversation(conversationId).connect().live();
}

test("an idle visible page makes no request in five minutes, and is up to date after them", async () => {
  const talk = await talkOf("Idle", "alice");
  await talk.send("Before");
  const { one: alice, traffic } = await watched("Alice Moreau");
  await alice.entry("Idle").getByText("Before").waitFor();
  await alice.entry("Idle").click();
  await alice.message("Before").waitFor();
  await alice.entry("Idle").getByText("unread").waitFor({ state: "detached" });
  expect(await alice.page.evaluate(() => document.visibilityState)).toBe("visible");
  await pass(alice, traffic, 1);
  traffic.forget();
  const { pings } = traffic;
  await pass(alice, traffic, 5);
  expect(traffic.requests).toEqual([]);
  expect(traffic.commands).toEqual([]);
  expect(traffic.pings - pings).toBe(20);
  await talk.send("After");
  await alice.message("After").waitFor();
  const other = await talkOf("New meanwhile", "alice");
  await alice.entry("New meanwhile").waitFor();
  talk.close();
  other.close();
});

test("two sockets, whatever was open before: the inbox's and that of the open conversation", async () => {
  const talks = await Promise.all(
    ["First", "Second", "Third"].map((name) => talkOf(name, "carol")),
  );
  const { one: carol, traffic } = await watched("Carol Okafor");
  for (const [index, title] of ["First", "Second", "Third", "First"].entries()) {
    await carol.entry(title).click();
    await carol.composer(title).waitFor();
    await carol.composer(title).fill(`Half a thought ${index}`);
  }
  const id = talks[0]?.id;
  await vi.waitFor(() => expect(traffic.sockets.toSorted()).toEqual(["/live", `/live/${id}`]), {
    timeout: SOON_MS,
  });
  await carol.entry("Second").click();
  await carol.composer("Second").waitFor();
  expect(await carol.composer("Second").inputValue()).toBe("Half a thought 1");
  for (const talk of talks) talk.close();
});

test("the list is live: previews, unread counts, their order, removal and re-adding", async () => {
  const [first, second] = await Promise.all([talkOf("Tides", "dave"), talkOf("Clouds", "dave")]);
  const dave = await signedIn("Dave Lindqvist");
  const titles = async () => {
    const all = await dave.page.getByRole("navigation").getByRole("link").allInnerTexts();
    return all.map((text) => /Tides|Clouds/.exec(text)?.[0]).filter(Boolean);
  };
  await first.send("High at noon");
  await dave.entry("Tides").getByText("Heidi: High at noon").waitFor();
  await second.send("Cirrus");
  await second.send("And cumulus");
  await dave.entry("Clouds").getByText("Heidi: And cumulus").waitFor();
  await dave.entry("Clouds").getByText("2 unread").waitFor();
  expect(await titles()).toEqual(["Clouds", "Tides"]);
  // What the open conversation knows is shown after it was left, before its row is.
  await dave.entry("Tides").click();
  await dave.message("High at noon").waitFor();
  await first.send("Low at six");
  await dave.message("Low at six").waitFor();
  await dave.entry("Tides").getByText("unread").waitFor({ state: "detached" });
  await dave.entry("Clouds").click();
  await dave.message("And cumulus").waitFor();
  await dave.entry("Tides").getByText("Heidi: Low at six").waitFor();
  expect(await titles()).toEqual(["Tides", "Clouds"]);
  await heidi.rest.removeParticipant(first.id, "dave");
  await dave.entry("Tides").waitFor({ state: "detached" });
  await heidi.rest.removeParticipant(second.id, "dave");
  await dave.page.getByText("You are not in this conversation.").waitFor();
  await dave.entry("Clouds").waitFor({ state: "detached" });
  await heidi.rest.addParticipant(second.id, "dave");
  await dave.message("And cumulus").waitFor();
  await dave.entry("Clouds").waitFor();
  for (const talk of [first, second]) talk.close();
});

test("without a network the list is shown as it was, and is up to date afterwards", async () => {
  const talk = await talkOf("Tunnel", "carol");
  const gone = await talkOf("Gone meanwhile", "carol");
  const carol = await signedIn("Carol Okafor", { holdSockets: true });
  await carol.entry("Gone meanwhile").waitFor();
  await carol.loseNetwork();
  await carol.page.getByText("You are offline.").first().waitFor();
  await talk.send("Did you get through?");
  await heidi.rest.removeParticipant(gone.id, "carol");
  expect(await carol.entry("Gone meanwhile").count()).toBe(1);
  await carol.restoreNetwork();
  await carol.entry("Tunnel").getByText("Did you get through?").waitFor();
  await carol.entry("Tunnel").getByText("1 unread").waitFor();
  await carol.entry("Gone meanwhile").waitFor({ state: "detached" });
  for (const one of [talk, gone]) one.close();
});
