import { expect, test } from "vitest";
import { ban, unban } from "../bans/support.ts";
import { directPair, fireAlarms, send } from "../support.ts";
import { Browser } from "./browser.ts";
import { checked, later, undoNotified } from "./notified.ts";

/** A user who is banned from the service is not notified. */

undoNotified();

test("nothing is pushed during a ban; what comes after it is", async () => {
  const { alice, bob, conversationId } = await directPair();
  const browser = await Browser.registered(bob);
  const texts = async () =>
    (await browser.accepted()).map(({ text }) => JSON.parse(text).body as string);
  await ban(bob);
  await send(alice, conversationId, "during the ban");
  for (let i = 0; i < 3; i++) {
    await fireAlarms(conversationId);
    await checked(bob);
    await later(31_000, bob);
  }
  expect(await texts()).toEqual([]);
  expect(await browser.requests()).toEqual([]);
  await unban(bob);
  while ((await texts()).length === 0) {
    await send(alice, conversationId, "after the ban");
    await fireAlarms(conversationId);
    await checked(bob);
  }
  expect(new Set(await texts())).toEqual(new Set(["after the ban"]));
});
