import { expect, test, vi } from "vitest";
import type { Actor } from "../../src/domain/policy.ts";
import { Conversation, Inbox } from "../../src/index.ts";
import { openListed } from "../inbox/replica.ts";
import { usedBy } from "../inbox/watching.ts";
import { directPair, fireAlarms, groupOf, objectOf, person, send } from "../support.ts";
import { Browser } from "./browser.ts";
import { checked, undoNotified } from "./notified.ts";

/** What it costs to notify somebody who is away. */

undoNotified();

const CONVERSATIONS = 50;
const MESSAGES = 20;

/** Calls of a method for one person, from now on. */
function calls(of: object, method: string, isTheirs: (parameter: unknown) => boolean) {
  const spy = vi.spyOn(of as Record<string, (parameter: unknown) => unknown>, method);
  return () => spy.mock.calls.filter(([parameter]) => isTheirs(parameter)).length;
}

test("1,000 messages in 50 conversations: by the number of conversations, not of messages", async () => {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const browser = await Browser.registered(bob);
  const groups = await Promise.all(
    Array.from({ length: CONVERSATIONS }, () => groupOf(alice, bob)),
  );
  const ours = new Set<unknown>(groups);
  const idOf = (row: unknown) => (row as { conversationId?: string }).conversationId;
  // Alice's inbox is called as well.
  const updates = calls(Inbox.prototype, "update", (row) => ours.has(idOf(row)));
  const questions = calls(Conversation.prototype, "notifiable", () => true);
  const by = { userId: alice.userId, name: null, avatarUrl: null } as const;
  const actor: Actor = { ...by, role: "user", reach: "member" };
  const say = (group: string, count: number) => {
    const command = { type: "send", kind: "text", content: "message", maxLength: 100 } as const;
    const commands = Array.from({ length: count }, () => command);
    return objectOf(group).submitAll(actor, commands, { wait: false, readers: false });
  };
  const used = await usedBy(bob, async () => {
    for (const group of groups) await say(group, 1);
    await vi.waitFor(async () => expect(await browser.accepted()).toHaveLength(CONVERSATIONS), {
      timeout: 20_000,
    });
    for (const group of groups) await say(group, MESSAGES - 1);
    // They come together, half a minute later.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
    for (const group of groups) await fireAlarms(group);
    await checked(bob);
    await vi.waitFor(
      async () => {
        await checked(bob);
        expect(await browser.accepted()).toHaveLength(2 * CONVERSATIONS);
      },
      { timeout: 20_000 },
    );
  });
  // Before each push, and once more where it had to wait for others.
  expect(questions()).toBeGreaterThanOrEqual(2 * CONVERSATIONS);
  expect(questions()).toBeLessThanOrEqual(4 * CONVERSATIONS);
  // Of two people; Alice has nothing to be told of after the first.
  expect(updates()).toBeLessThanOrEqual(4 * CONVERSATIONS);
  // For each conversation: that it is to be asked, and twice that something is due, and was sent.
  expect(used.rowsWritten).toBeLessThanOrEqual(5 * CONVERSATIONS + 5);
}, 120_000);

test("somebody who reads within ten seconds: three rows at most for a burst of messages", async () => {
  const { alice, bob, conversationId } = await directPair();
  await Browser.registered(bob);
  const inbox = await openListed(bob);
  const burst = async () => {
    for (let i = 0; i < 10; i++) await send(alice, conversationId, `message ${i}`);
    await inbox.until(() => inbox.entry(conversationId)?.unread === 10);
    await bob.patch(`/api/chat/${conversationId}/messages/read`);
    await inbox.until(() => inbox.entry(conversationId)?.unread === 0);
  };
  await burst();
  const used = await usedBy(bob, burst);
  expect(used.rowsWritten).toBe(2);
  expect(used.alarms).toBeLessThanOrEqual(1);
});
