import { runInDurableObject } from "cloudflare:test";
import { expect, onTestFinished, test, vi } from "vitest";
import { messageIdOf } from "../../src/domain/id.ts";
import { isErasedUserId } from "../../src/domain/person.ts";
import { clientOf } from "../inbox/cuttable-client.ts";
import { type Caller, objectOf, send, unreadOf } from "../support.ts";
import { askEveryDoor, crawl, type Found } from "./crawler.ts";
import { named, type World, worldOf } from "./erase-world.ts";
import { orderOf, runJob } from "./with-kills.ts";

/** A person is erased: nothing that can be looked at names them afterwards. */

const SOON = { timeout: 20_000, interval: 100 };
const DIRECT = "/api/v1/chat/conversations/direct";

const placesOf = (found: readonly Found[]) =>
  [...new Set(found.map((one) => one.split(/[.]?[0-9a-f-]{36}|:/)[0]))].sort();

/** Where a person is found who has used everything. */
const PLACES = [
  ...["CONVERSATIONS.armed", "CONVERSATIONS.audit", "CONVERSATIONS.bans", "CONVERSATIONS.blocks"],
  ...["CONVERSATIONS.conversation", "CONVERSATIONS.counters", "CONVERSATIONS.invitations"],
  ...["CONVERSATIONS.listeners", "CONVERSATIONS.members", "CONVERSATIONS.mentions"],
  ...["CONVERSATIONS.messages", "CONVERSATIONS.reactions", "CONVERSATIONS.reads"],
  ...["CONVERSATIONS.unmentioned", "D1.audit", "D1.blocks", "D1.conversations"],
  ...["D1.lifted_blocks", "D1.members", "D1.mentions", "D1.mentions_read"],
  ...["D1.purchase_requests", "D1.reports", "D1.uploads", "D1.user_words", "D1.users"],
  ...["INBOXES.blocks", "INBOXES.watched", "INBOXES.watchers"],
];
/** Where a text of theirs is found. */
const PLACES_OF_TEXTS = ["CONVERSATIONS.messages", "D1.reports", "D1.uploads"];

const idsOf = ({ conversations, messages, bob, cleo, texts }: World) => ({
  ...{ conversations, messages, users: [bob.userId, cleo.userId] },
  texts: texts.slice(0, 2),
});

/** How many messages of others somebody has not read, counted one by one. */
async function recount(
  reader: Caller,
  conversationId: string,
  { read, hides }: { read: ReadonlySet<string>; hides: (senderId: string) => boolean },
): Promise<number> {
  const rows = await runInDurableObject(objectOf(conversationId), (_, { storage }) =>
    storage.sql
      .exec<{ number: number; sender_id: string | null; deleted_at: number | null }>(
        "SELECT number, sender_id, deleted_at FROM messages",
      )
      .toArray(),
  );
  return rows.filter(
    ({ number, sender_id, deleted_at }) =>
      sender_id !== null &&
      sender_id !== reader.userId &&
      deleted_at === null &&
      !read.has(messageIdOf(conversationId, number)) &&
      !hides(sender_id),
  ).length;
}

/** The unread counts of those who stay, by their objects and by D1, are those that are counted one by one. */
async function expectExactCounts({ bob, cleo, admin, readByBob, ...world }: World): Promise<void> {
  const readers = [
    { reader: bob, in: [world.direct, world.group, world.channel, world.other] },
    { reader: cleo, in: [world.group, world.channel, world.other] },
    { reader: admin, in: [world.other] },
  ];
  for (const { reader, in: conversations } of readers) {
    const { body } = await reader.get("/api/v1/chat/conversations?pageSize=100");
    for (const id of conversations) {
      const read = reader === bob ? readByBob : new Set<string>();
      // Cleo blocks Ada, whoever stands for her.
      const hides = (senderId: string) =>
        reader === cleo && (senderId === world.ada.userId || isErasedUserId(senderId));
      const counted = await recount(reader, id, { read, hides });
      expect(await unreadOf(reader, id), `${reader.userId} in ${id}`).toBe(counted);
      const row = body.find((one: { conversationId: string }) => one.conversationId === id);
      if (id !== world.channel) expect(row.unreadCount).toBe(counted);
    }
  }
}

test.each(["clear", "keep"] as const)(
  "nothing names them afterwards: %s",
  async (messages) => {
    const world = await worldOf(`zwo${messages}`);
    const { ada, bob, cleo, admin, names, texts, group, direct } = world;
    expect(placesOf(await crawl(names))).toEqual(PLACES);
    expect(placesOf(await crawl(texts))).toEqual(expect.arrayContaining(PLACES_OF_TEXTS));
    await expectExactCounts(world);
    const { parley, inbox } = clientOf(bob);
    const [client] = await Promise.all([
      parley.conversation(group, { over: inbox }).connect().live(),
      inbox.connect().live(),
    ]);
    const alone = await clientOf(cleo).parley.conversation(group).connect().live();
    onTestFinished(() => alone.close());

    const order = orderOf("erase-user", { userId: ada.userId, messages }, ada.userId);
    const { view } = await runJob(order, { kills: false });
    expect(view).toMatchObject({ state: "done", error: null, result: { conversations: 8 } });

    const needles = messages === "clear" ? [...names, ...texts] : names;
    expect(await crawl(needles)).toEqual([]);
    const { found, answered } = await askEveryDoor([bob, cleo, admin], idsOf(world), needles);
    expect(found).toEqual([]);
    expect(answered).toBeGreaterThan(100);
    await expectExactCounts(world);

    // Clients that were connected have what a new one is sent, and nothing else.
    const fresh = await clientOf(bob).parley.conversation(group).connect().live();
    await vi.waitFor(() => {
      expect(client.messages).toEqual(fresh.messages);
      expect(client.unread).toBe(fresh.unread);
      expect(alone.messages.map(({ number }) => number)).toEqual(
        fresh.messages.map(({ number }) => number),
      );
      const shown = JSON.stringify([client.messages, client.members, alone.messages, inbox.rows]);
      expect(needles.filter((one) => shown.includes(one))).toEqual([]);
    }, SOON);
    if (messages === "keep") {
      // Cleo blocked her: what she wrote stays hidden.
      const seen = JSON.stringify(alone.messages);
      expect(texts.filter((one) => seen.includes(one))).toEqual([]);
      expect(client.messages.filter(({ senderId }) => isErasedUserId(senderId ?? ""))).not.toEqual(
        [],
      );
      expect(placesOf(await crawl(texts))).toContain("CONVERSATIONS.messages");
    }

    // Bob is alone in the direct conversation, and writes to nobody.
    const refused = await send(bob, direct, "are you there?");
    expect([refused.status, refused.body.code]).toEqual([403, "cannot_contact"]);

    // Whoever comes with the id is somebody new.
    const again = await named(ada.userId, "Ada again", { isId: true });
    expect((await again.get("/api/v1/chat/conversations")).body).toEqual([]);
    for (const id of world.conversations.filter((id) => id !== world.channel)) {
      const answer = await again.get(`/api/v1/chat/messages?conversationId=${id}`);
      expect(answer.body).toMatchObject({ code: expect.stringMatching(/not_a_member/) });
    }
    const { body } = await bob.post(DIRECT, { otherUserId: ada.userId });
    expect(body.conversationId).not.toBe(direct);
    expect((await again.post(DIRECT, { otherUserId: bob.userId })).body.conversationId).toBe(
      body.conversationId,
    );
    expect((await send(again, body.conversationId, "hello")).status).toBe(201);
    expect((await send(bob, body.conversationId, "who are you?")).status).toBe(201);
  },
  60_000,
);
