import { expect, test } from "vitest";
import { text, together } from "../../conversation/together.ts";
import { type Answer, type Caller, openLive, person } from "../../support.ts";
import {
  addTo,
  archive,
  CHATS,
  chatsOf,
  directChat,
  edit,
  entryOf,
  groupChat,
  history,
  idsOf,
  infoOf,
  markRead,
  participantsOf,
  people,
  remove,
  removeFrom,
  send,
  sent,
  statsOf,
} from "./chats.ts";

const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status).sort();

/** A user's unread count according to info and list, which must agree. */
async function unreadOf(caller: Caller, chatId: string): Promise<number> {
  const { unreadCount } = await entryOf(caller, chatId);
  expect((await infoOf(caller, chatId)).unreadCount).toBe(unreadCount);
  expect((await statsOf(caller)).totalUnread).toBe(unreadCount);
  return unreadCount;
}

test("a concurrent edit and deletion: the message is deleted in the end, in either order", async () => {
  const { alice, bob, chatId } = await directChat();
  const socket = await openLive(bob, chatId);
  for (let i = 0; i < 8; i++) {
    const messageId = await sent(alice, chatId, `message ${i}`);
    const commands = [
      () => edit(alice, chatId, messageId, "edited"),
      () => remove(alice, chatId, messageId),
    ];
    if (i % 2) commands.reverse();
    const answers = await Promise.all(commands.map((command) => command()));
    const [edited, deleted] = i % 2 ? answers.toReversed() : answers;
    expect(deleted?.status).toBe(200);
    expect([200, 400]).toContain(edited?.status);
    const [message] = (await history(bob, chatId, "?limit=1")).body.data.messages;
    expect(message).toMatchObject({ _id: messageId, content: "" });
    expect(message.deletedAt).not.toBeNull();
    expect(message.editedAt === null).toBe(edited?.status === 400);
    await socket.until(() => socket.all("message").at(-1)?.cause === "deleted");
    const causes = socket.all("message").filter((event) => event.message.id === messageId);
    const expected = edited?.status === 200 ? ["edited", "deleted"] : ["deleted"];
    expect(causes.map(({ cause }) => cause)).toEqual(["created", ...expected]);
  }
  expect(await entryOf(bob, chatId)).toMatchObject({ lastMessage: null, unreadCount: 0 });
});

test("a concurrent deletion and reading: the message is unread for no member, and counted nowhere", async () => {
  const { alice, bob, carol, chatId } = await groupChat();
  const kept = await sent(alice, chatId, "kept");
  for (let i = 0; i < 6; i++) {
    const messageId = await sent(alice, chatId, `message ${i}`);
    const commands = [
      () => remove(alice, chatId, messageId),
      () => markRead(bob, chatId, [messageId]),
      () => markRead(carol, chatId, i === 3 ? undefined : [messageId]),
    ];
    const turned = [...commands.slice(i % 3), ...commands.slice(0, i % 3)];
    const answers = await Promise.all(turned.map((command) => command()));
    expect(statuses(answers)).toEqual([200, 200, 200]);
    expect(await unreadOf(bob, chatId)).toBe(1);
    expect(await unreadOf(carol, chatId)).toBe(i < 3 ? 1 : 0);
  }
  expect(await entryOf(bob, chatId)).toMatchObject({ lastMessage: { _id: kept } });
});

test("two concurrent deletions: both succeed, and sockets receive one event", async () => {
  const { alice, bob, chatId } = await directChat();
  const messageId = await sent(alice, chatId, "hello");
  const socket = await openLive(bob, chatId);
  const answers = await Promise.all([
    remove(alice, chatId, messageId),
    remove(alice, chatId, messageId),
  ]);
  expect(statuses(answers)).toEqual([200, 200]);
  expect(answers[0].body).toEqual(answers[1].body);
  await send(alice, chatId, "after");
  await socket.next("message", ({ message }) => message.content === "after");
  expect(socket.all("message")).toHaveLength(2);
});

test("two concurrent calls to archive invert the flag twice", async () => {
  const { alice, bob, chatId } = await directChat();
  const answers = await Promise.all([
    archive(alice, chatId),
    archive(alice, chatId),
    archive(bob, chatId),
  ]);
  const [first, second, third] = answers.map((answer) => answer.body.data.isArchived);
  expect([first, second].sort()).toEqual([false, true]);
  expect(third).toBe(true);
  expect(await entryOf(alice, chatId)).toMatchObject({ isArchived: false });
  expect(await entryOf(bob, chatId)).toMatchObject({ isArchived: true });
});

function about(buyer: Caller, purchaseRequestId: string, seller: Caller) {
  return buyer.post(`${CHATS}/purchase-request`, { purchaseRequestId, sellerId: seller.userId });
}

test("ten identical concurrent purchase-request calls: one 201, nine 200, one chat", async () => {
  const [buyer, seller] = await Promise.all([person("buyer"), person("seller")]);
  const answers = await Promise.all(Array.from({ length: 10 }, () => about(buyer, "one", seller)));
  expect(statuses(answers)).toEqual([...Array(9).fill(200), 201]);
  expect(new Set(answers.map((answer) => answer.body.data.chat._id)).size).toBe(1);
  for (const caller of [buyer, seller]) expect(await chatsOf(caller)).toHaveLength(1);
});

test("two buyers and two sellers concurrently on one request: four chats, one for each pair", async () => {
  const [ann, ben, sue, sam] = await people(4);
  if (!ann || !ben || !sue || !sam) throw new Error("four people");
  const pairs = [ann, ben].flatMap((buyer) => [sue, sam].map((seller) => [buyer, seller] as const));
  const answers = await Promise.all(
    [...pairs, ...pairs].map(([buyer, seller]) => about(buyer, "shared", seller)),
  );
  expect(statuses(answers)).toEqual([200, 200, 200, 200, 201, 201, 201, 201]);
  const chats = answers.map((answer) => answer.body.data.chat);
  expect(new Set(chats.map((chat) => chat._id)).size).toBe(4);
  for (const [index, pair] of [...pairs, ...pairs].entries()) {
    expect(participantsOf(chats[index])).toEqual(idsOf(...pair));
    expect(chats[index].createdBy).toBe(pair[0].userId);
  }
  for (const caller of [ann, ben, sue, sam]) expect(await chatsOf(caller)).toHaveLength(2);
});

test("ten concurrent direct chats from both sides: one 201, one chat", async () => {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      i % 2
        ? alice.post(CHATS, { participantIds: [bob.userId] })
        : bob.post(CHATS, { participantIds: [alice.userId] }),
    ),
  );
  expect(statuses(answers)).toEqual([...Array(9).fill(200), 201]);
  expect(await chatsOf(alice)).toHaveLength(1);
});

test("thirty concurrent messages: exactly twenty are accepted", async () => {
  const { alice, bob, chatId } = await directChat();
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, i) => send(alice, chatId, `${i}`)),
  );
  expect(statuses(answers)).toEqual([...Array(20).fill(201), ...Array(10).fill(429)]);
  expect(await unreadOf(bob, chatId)).toBe(20);
});

test("a user added twice concurrently is added once; of three who leave concurrently, not all succeed", async () => {
  const { alice, bob, carol, chatId } = await groupChat();
  const dave = await person("dave");
  const added = [addTo(alice, chatId, dave.userId), addTo(alice, chatId, dave.userId)];
  expect(statuses(await Promise.all(added))).toEqual([200, 400]);
  await removeFrom(dave, chatId, dave.userId);
  const left = [removeFrom(bob, chatId, bob.userId), removeFrom(carol, chatId, carol.userId)];
  expect(statuses(await Promise.all(left))).toEqual([200, 400]);
  expect((await infoOf(alice, chatId)).participants).toHaveLength(2);
});

test("a user who sends, leaves and rejoins in one group commit has nothing unread", async () => {
  const { alice, bob, chatId } = await groupChat();
  await send(alice, chatId, "bob has not read this");
  const person = { userId: bob.userId, name: null, avatarUrl: null };
  const outcomes = await together(chatId, [
    [bob, text("bye")],
    [alice, { type: "remove", userId: bob.userId }],
    [alice, { type: "add", person }],
  ]);
  expect(outcomes).toEqual(["ok", "ok", "ok"]);
  expect(await unreadOf(bob, chatId)).toBe(0);
});
