import { runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { Random } from "../random.ts";
import { block } from "../rest/blocked.ts";
import { type Caller, channelOf, directPair, groupOf, person, send } from "../support.ts";
import { type InboxReplica, inboxOf, openInbox, openListed } from "./replica.ts";
import { evictInbox } from "./watching.ts";

/** `total`: the unread messages of all conversations, for sockets that ask for it. */

const PINNED: number | undefined = undefined;
const SEED = PINNED ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;

const totalOf = ({ events }: InboxReplica) => {
  const event = events.findLast(({ type }) => type === "total");
  return event?.type === "total" ? { unread: event.unread, mentions: event.mentions } : undefined;
};

async function openTotal(caller: Caller): Promise<InboxReplica> {
  const inbox = await openInbox(caller, "?features=total");
  await inbox.until(() => totalOf(inbox) !== undefined);
  return inbox;
}

/** What `GET /unread` answers. */
async function unread(caller: Caller) {
  const { body } = await caller.get("/api/v1/chat/unread");
  return { unread: body.totalUnread, mentions: body.totalMentions };
}

async function expectSame(caller: Caller, inbox: InboxReplica): Promise<void> {
  await vi.waitFor(async () => expect(totalOf(inbox)).toEqual(await unread(caller)), {
    timeout: 10_000,
    interval: 50,
  });
}

test("is sent after hello, and with every change, to those sockets alone that ask for it", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(alice, conversationId, "before");
  const [inbox, other] = [await openTotal(bob), await openListed(bob)];
  await expectSame(bob, inbox);
  expect(inbox.events[0]?.type).toBe("hello");
  await send(alice, conversationId, "one");
  await inbox.until(() => totalOf(inbox)?.unread === 2);
  inbox.send({ op: "read", conversationId });
  await inbox.until(() => totalOf(inbox)?.unread === 0);
  await expectSame(bob, inbox);
  expect(other.events.filter(({ type }) => type === "total")).toEqual([]);
});

test("after hibernation the next change is followed by the total of everything", async () => {
  const { alice, bob, conversationId } = await directPair();
  const second = await groupOf(alice, bob);
  await send(alice, second, "elsewhere");
  const inbox = await openTotal(bob);
  await inbox.until(() => totalOf(inbox)?.unread === 1);
  await evictInbox(bob);
  await send(alice, conversationId, "hello");
  await inbox.until(() => totalOf(inbox)?.unread === 2);
});

test("while D1 is unavailable there is none; the next change brings it", async () => {
  const { alice, bob, conversationId } = await directPair();
  const inbox = await openTotal(bob);
  await evictInbox(bob);
  await runInDurableObject(inboxOf(bob), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: replaces a private function
    const { options } = (object as any).totals;
    const { read } = options;
    options.read = () => {
      options.read = read;
      return Promise.reject(new Error("D1 is unavailable"));
    };
  });
  await send(alice, conversationId, "one");
  await inbox.until(() => inbox.entry(conversationId)?.unread === 1);
  expect(totalOf(inbox)).toEqual({ unread: 0, mentions: 0 });
  await send(alice, conversationId, "two");
  await inbox.until(() => totalOf(inbox)?.unread === 2);
});

test("of a user with too many conversations D1 is read once, not with every change", async () => {
  const { alice, bob, conversationId } = await directPair();
  const inbox = await openTotal(bob);
  await evictInbox(bob);
  const read = await runInDurableObject(inboxOf(bob), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: as if there were so many
    return vi.spyOn((object as any).totals.options, "read").mockResolvedValue(undefined);
  });
  for (const unread of [1, 2, 3]) {
    await send(alice, conversationId, "hello");
    await inbox.until(() => inbox.entry(conversationId)?.unread === unread);
  }
  expect(read).toHaveBeenCalledTimes(1);
  read.mockRestore();
  // Another socket has it looked up again.
  await openTotal(bob);
  await inbox.until(() => totalOf(inbox)?.unread === 3);
});

test(`equals GET /unread after random changes (seed ${SEED})`, { timeout: 120_000 }, async () => {
  const dice = new Random(SEED);
  const [alice, bob, carol] = [await person("alice"), await person("bob"), await person("carol")];
  const ids = [
    await groupOf(alice, bob, carol),
    await groupOf(bob, carol),
    await channelOf(alice, [bob, carol]),
  ];
  let inbox = await openTotal(bob);
  const sent: { caller: Caller; messageId: string }[] = [];
  for (let step = 0; step < 80; step++) {
    const [id, caller] = [dice.pick(ids), dice.pick([alice, carol, bob])];
    const action = dice.pick([
      "send",
      "send",
      "mention",
      "read",
      "delete",
      "archive",
      "sleep",
      "reconnect",
    ]);
    if (action === "send" || action === "mention") {
      const more = action === "mention" ? { mentions: [bob.userId] } : {};
      const { body, status } = await send(caller, id, `message ${step}`, more);
      if (status === 201) sent.push({ caller, messageId: body.messageId });
    } else if (action === "read") {
      inbox.send({ op: "read", conversationId: id });
    } else if (action === "delete" && sent.length > 0) {
      const { caller: by, messageId } = dice.pick(sent);
      await by.delete(`/api/v1/chat/messages/${messageId}`);
    } else if (action === "archive") {
      inbox.send({ op: "archive", conversationId: id, archived: dice.chance(0.5) });
    } else if (action === "sleep") await evictInbox(bob);
    else if (action === "reconnect") {
      inbox.close();
      inbox = await openTotal(bob);
    }
    if (step === 40) await block(bob, carol);
    if (dice.chance(0.2)) await expectSame(bob, inbox);
  }
  await expectSame(bob, inbox);
});
