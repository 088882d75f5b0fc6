import { evictDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import type { Inbox } from "../../src/client/inbox.ts";
import { INBOX_PAGE } from "../../src/directory/inbox-rows.ts";
import { type Caller, directPair, groupOf, person, send } from "../support.ts";
import { clientOf } from "./cuttable-client.ts";
import { inboxOf } from "./replica.ts";

/** The client's inbox against the real server. */

const SOON = { timeout: 15_000, interval: 50 };

/** Waits until an inbox has what the list over REST has, channels aside. */
async function expectSameAsList(caller: Caller, inbox: Inbox): Promise<void> {
  await vi.waitFor(async () => {
    const { body } = await caller.get("/api/v1/chat/conversations?pageSize=100");
    const shown = inbox.rows.flatMap((row) =>
      row.kind === "channel"
        ? []
        : [[row.conversationId, row.title, row.unread, row.archived, row.lastMessage?.id ?? null]],
    );
    expect(shown).toEqual(
      // biome-ignore lint/suspicious/noExplicitAny: the answer is checked by what it is compared with
      body.map((row: any) => [
        ...[row.conversationId, row.title, row.unreadCount, row.isArchived],
        row.lastMessage?.messageId ?? null,
      ]),
    );
  }, SOON);
}

test("it has every page of the list, and all that happens meanwhile", async () => {
  const { alice, bob, conversationId } = await directPair();
  const count = INBOX_PAGE + 3;
  for (let i = 0; i < count; i++) await groupOf(alice, bob);
  const { inbox } = clientOf(bob);
  const connecting = inbox.connect().live();
  await send(alice, conversationId, "meanwhile");
  await connecting;
  expect(inbox.rows.length).toBeGreaterThanOrEqual(count);
  await vi.waitFor(() => expect(inbox.unread).toBe(1), SOON);
  expect(inbox.rows[0]?.conversationId).toBe(conversationId);
  await expectSameAsList(bob, inbox);
});

test("commands, messages, new conversations and removals, through lost networks and evictions", async () => {
  const { alice, bob, conversationId } = await directPair();
  const { inbox, cut } = clientOf(alice);
  await inbox.connect().live();
  await send(bob, conversationId, "one");
  await vi.waitFor(() => expect(inbox.unread).toBe(1), SOON);
  await inbox.read(conversationId);
  await inbox.archive(conversationId);
  await vi.waitFor(
    () => expect(inbox.row(conversationId)).toMatchObject({ unread: 0, archived: true }),
    SOON,
  );
  const group = await groupOf(bob, alice, await person("carol"));
  const lost = await groupOf(bob, alice, await person("dave"));
  await vi.waitFor(() => expect(inbox.row(lost)).toBeDefined(), SOON);
  cut();
  await send(bob, conversationId, "two");
  await bob.delete(`/api/v1/chat/conversations/${lost}/participants/${alice.userId}`);
  // Asked for while there is no connection: done once there is one.
  await inbox.archive(conversationId, false);
  await inbox.live();
  await expectSameAsList(alice, inbox);
  expect(inbox.row(lost)).toBeUndefined();
  await evictDurableObject(inboxOf(alice), { webSockets: "hibernate" });
  await send(bob, group, "three");
  await vi.waitFor(() => expect(inbox.row(group)?.unread).toBe(1), SOON);
  await expectSameAsList(alice, inbox);
  await expect(inbox.read(await groupOf(bob, await person("erin")))).rejects.toMatchObject({
    code: "not_a_member",
  });
});

test("conversations over the inbox: one socket, both directions, and nothing is lost or doubled", async () => {
  const { alice, bob, conversationId } = await directPair();
  const group = await groupOf(alice, bob);
  const { parley, inbox, cut, open } = clientOf(alice);
  const [direct, other] = await Promise.all(
    [conversationId, group].map((id) => parley.conversation(id, { over: inbox }).connect().live()),
  );
  if (!direct || !other) throw new Error("both are open");
  expect(open()).toBe(1);
  const texts = () => direct.messages.map(({ content }) => content);
  await direct.send("mine");
  await send(bob, conversationId, "theirs");
  await send(bob, group, "elsewhere");
  await vi.waitFor(() => expect(texts()).toEqual(["mine", "theirs"]), SOON);
  await vi.waitFor(() => expect(other.messages).toHaveLength(1), SOON);
  await inbox.read(conversationId);
  await vi.waitFor(() => expect(direct.unread).toBe(0), SOON);
  cut();
  const sending = [direct.send("while away"), direct.send("and again")];
  await send(bob, conversationId, "missed");
  await Promise.all(sending);
  await vi.waitFor(() => expect(texts()).toHaveLength(5), SOON);
  expect(new Set(texts()).size).toBe(5);
  expect(direct.pending).toEqual([]);
  expect(open()).toBe(1);
  other.close();
  await send(bob, conversationId, "still here");
  await vi.waitFor(() => expect(texts()).toContain("still here"), SOON);
  await inbox.live();
  await expectSameAsList(alice, inbox);
});

test("a person who is removed loses the conversation that is open over the inbox, and only that", async () => {
  const { alice, bob } = await directPair();
  const group = await groupOf(alice, bob, await person("carol"));
  const { parley, inbox } = clientOf(bob);
  const conversation = await parley.conversation(group, { over: inbox }).connect().live();
  await inbox.live();
  await send(alice, group, "goodbye");
  await vi.waitFor(() => expect(conversation.messages).toHaveLength(1), SOON);
  await alice.delete(`/api/v1/chat/conversations/${group}/participants/${bob.userId}`);
  await vi.waitFor(() => expect(conversation.status).toMatchObject({ code: 4403 }), SOON);
  await vi.waitFor(() => expect(inbox.row(group)).toBeUndefined(), SOON);
  expect([conversation.status.state, inbox.status.state]).toEqual(["closed", "live"]);
});

test("a channel that is closed and opened again says so, live and in the list", async () => {
  const { alice, bob } = await directPair();
  const created = await alice.post("/api/v1/chat/channels", { name: "tides", isPublic: true });
  const { channelId } = created.body;
  await bob.post(`/api/v1/chat/channels/${channelId}/join`);
  await send(alice, channelId, "welcome");
  const { inbox, cut } = clientOf(bob);
  await inbox.connect().live();
  await vi.waitFor(() => expect(inbox.row(channelId)).toMatchObject({ unread: 1 }), SOON);
  expect(inbox.row(channelId)?.closed).toBeUndefined();
  await alice.post(`/api/v1/chat/channels/${channelId}/archive`);
  await vi.waitFor(() => expect(inbox.row(channelId)?.closed).toBe(true), SOON);
  const again = clientOf(bob).inbox;
  await vi.waitFor(async () => {
    await again.connect().live();
    expect(again.row(channelId)?.closed).toBe(true);
  }, SOON);
  cut();
  await alice.post(`/api/v1/chat/channels/${channelId}/unarchive`);
  await vi.waitFor(() => expect(inbox.row(channelId)?.closed).toBeUndefined(), SOON);
  await vi.waitFor(() => expect(again.row(channelId)?.closed).toBeUndefined(), SOON);
});
