import { describe, expect, test, vi } from "vitest";
import { block, blocksIn, pair, unblock } from "../rest/blocked.ts";
import { type Caller, channelOf, fireAlarms, groupOf, person } from "../support.ts";
import { throughCalls } from "./blocking.ts";

/** Somebody enters a conversation while a block is on its way: one of the two sees the other. */

const people = () => Promise.all([person("alice"), person("bob"), person("carol")]);

/** Ways of bob's into a conversation with alice, which the Worker sends after it has looked up blocks. */
const WAYS: [name: string, method: "submit" | "create", enter: Enter][] = [
  [
    "joining a channel",
    "submit",
    async ([alice, bob]) => {
      const channel = await channelOf(alice);
      return { id: channel, entering: () => bob.post(`/api/v1/chat/channels/${channel}/join`) };
    },
  ],
  [
    "being added to a group",
    "submit",
    async ([alice, bob, carol]) => {
      const group = await groupOf(carol, alice);
      const body = { participantId: bob.userId };
      const path = `/api/v1/chat/conversations/${group}/participants`;
      return { id: group, entering: () => carol.post(path, body) };
    },
  ],
  [
    "being in a new group",
    "create",
    async ([alice, bob, carol]) => {
      const participantIds = [alice.userId, bob.userId];
      const path = "/api/v1/chat/conversations/group";
      return { entering: () => carol.post(path, { title: "g", participantIds }) };
    },
  ],
  [
    "opening a direct conversation",
    "create",
    async ([alice, bob]) => {
      const path = "/api/v1/chat/conversations/direct";
      return { entering: () => bob.post(path, { otherUserId: alice.userId }) };
    },
  ],
];
type Enter = (people: [Caller, Caller, Caller]) => Promise<{
  id?: string;
  entering: () => Promise<{ status: number; body: { conversationId?: string } }>;
}>;

/** Enters while something happens between the look at D1 and the commit; the conversation's id. */
async function enteringWhile(
  method: "submit" | "create",
  { id, entering }: Awaited<ReturnType<Enter>>,
  happens: () => Promise<unknown>,
): Promise<string> {
  const held = Promise.withResolvers<void>();
  const calls = await throughCalls(() => held.promise, method);
  const answer = entering();
  await vi.waitFor(() => expect(calls.called).toHaveLength(1));
  await happens();
  held.resolve();
  const { status, body } = await answer;
  expect([200, 201]).toContain(status);
  return id ?? String(body.conversationId);
}

describe.each(WAYS)("%s", (_, method, enter) => {
  test("while somebody there blocks the one who enters", async () => {
    const [alice, bob, carol] = await people();
    const way = await enter([alice, bob, carol]);
    const id = await enteringWhile(method, way, () => block(alice, bob));
    await fireAlarms(id);
    await vi.waitFor(async () => expect(await blocksIn(id)).toEqual([pair(alice, bob)]));
  });

  test("while they block somebody there", async () => {
    const [alice, bob, carol] = await people();
    const way = await enter([alice, bob, carol]);
    const id = await enteringWhile(method, way, () => block(bob, alice));
    await fireAlarms(id);
    await vi.waitFor(async () => expect(await blocksIn(id)).toEqual([pair(bob, alice)]));
  });
});

describe.each(WAYS.slice(0, 3))("%s", (_, method, enter) => {
  test("while a block is lifted that the Worker has seen", async () => {
    const [alice, bob, carol] = await people();
    await block(alice, bob);
    const way = await enter([alice, bob, carol]);
    const id = await enteringWhile(method, way, () => unblock(alice, bob));
    await fireAlarms(id);
    await vi.waitFor(async () => expect(await blocksIn(id)).toEqual([]));
  });
});
