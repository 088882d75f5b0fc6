import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { parseMessageId } from "../../src/domain/id.ts";
import { EMOJIS } from "../../src/domain/reaction.ts";
import { Random } from "../random.ts";
import { objectOf, person } from "../support.ts";
import { type ModelConversation, type ModelMessage, World } from "./export-world.ts";
import { Archive, beforeQuestions, hashOf, type Json } from "./exporting.ts";
import { orderOf, runJob } from "./with-kills.ts";

/** Exports of a conversation, read back by an importer and compared with a model of what people did. */

function exportOf(conversationId: string, kills = false, held = false) {
  return runJob(orderOf("export-conversation", { conversationId, held }, conversationId), {
    kills,
  });
}

/** Compares an archive with the model: nothing is missing, and nothing is there besides. */
async function compare(archive: Archive, at: ModelConversation): Promise<void> {
  const members = archive.list("members");
  const ids = (callers: { userId: string }[]) => callers.map(({ userId }) => userId).sort();
  expect(ids(members.filter(({ leftAt }: Json) => leftAt === null))).toEqual(ids(at.present));
  expect(ids(members.filter(({ leftAt }: Json) => leftAt !== null))).toEqual(ids(at.former));
  const messages = archive.list("messages");
  expect(messages.map(({ number }: Json) => number)).toEqual(messages.map((_, index) => index + 1));
  const written = messages.filter(({ senderId }: Json) => senderId !== null);
  const crowd = archive.list("reactions");
  expect(written.map((message) => importedOf(message, crowd))).toEqual(at.messages.map(expectedOf));
  const conversation = archive.single("conversation");
  expect(conversation.pins.map(({ id }: Json) => id).sort()).toEqual([...at.pins].sort());
  const files = at.messages.flatMap((message) => message.files);
  expect(archive.list("files").map(({ key }) => key)).toEqual([...files].sort());
  for (const { key, sha256 } of archive.list("files")) expect(sha256).toBe(await hashOf(key));
  // Who has read each message, as another way out of the conversation says.
  const [reader] = at.present;
  const reads = archive.list("reads");
  for (const { id, number, senderId, deletedAt } of written.slice(-8)) {
    if (deletedAt !== null) continue;
    const { body } = await (reader as NonNullable<typeof reader>).get(
      `/api/v1/chat/messages/${id}/read-receipts`,
    );
    const readers = reads.filter(
      ({ userId, from, to }) => userId !== senderId && from <= number && number <= to,
    );
    expect(readers.map(({ userId, readAt }) => `${userId} ${readAt}`).sort()).toEqual(
      body.map((one: Json) => `${one.userId} ${one.readAt}`).sort(),
    );
  }
}

function importedOf(message: Json, crowd: Json[]) {
  const reactions = message.reactions.flatMap(({ emoji, count, userIds }: Json) => {
    const all =
      count > userIds.length
        ? crowd
            .filter((one) => one.id === message.id && one.emoji === emoji)
            .map((one) => one.userId)
        : userIds;
    expect(new Set(all).size).toBe(count);
    return all.map((userId: string) => `${emoji} ${userId}`);
  });
  return {
    ...{ id: message.id, senderId: message.senderId, content: message.content },
    ...{ isEdited: message.editedAt !== null, isDeleted: message.deletedAt !== null },
    files: message.attachments.map(({ key }: Json) => key),
    reactions: reactions.sort(),
  };
}

function expectedOf({ texts: _, reactions, ...message }: ModelMessage) {
  return { ...message, reactions: [...reactions].sort() };
}

test("an archive has everything of a conversation in which people go on writing, and nothing else", async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.log(`seed ${seed}`);
  const random = new Random(seed);
  const world = await World.of(random, { people: 5, conversations: 2 });
  const [at, other] = world.conversations;
  if (!at || !other) throw new Error("no conversations");
  for (let i = 0; i < 120; i++) await world.act();
  let left = 10;
  const restore = beforeQuestions("export-conversation", async (of) => {
    if (of === "changes" && left-- > 0) await world.act(at);
  });
  const { view } = await exportOf(at.id).finally(restore);
  expect(view).toMatchObject({ state: "done", error: null });
  const archive = await Archive.of(view.id);
  await compare(archive, at);
  expect(archive.text()).not.toContain(other.id);
  for (const { texts } of other.messages) {
    for (const text of texts)
      expect(archive.text()).not.toContain(JSON.stringify(text).slice(1, -1));
  }
  expect(archive.manifest).toMatchObject({
    ...{ format: 1, of: "conversation", jobId: view.id },
    conversation: { id: at.id, rev: expect.any(Number), epoch: expect.any(String) },
  });
});

/** Gives a message a file of this size. */
async function attach(at: ModelConversation, size: number): Promise<void> {
  const message = at.messages.find((one) => !one.isDeleted && one.files.length === 0);
  if (!message) throw new Error("no message");
  const key = `${crypto.randomUUID()}.bin`;
  await env.FILES.put(key, new Uint8Array(size).fill(7));
  const attachments = [{ key, name: "large.bin", mimeType: "application/octet-stream", size }];
  await runInDurableObject(objectOf(at.id), (_, { storage }) => {
    const { number } = parseMessageId(message.id) ?? {};
    storage.sql.exec(
      "UPDATE messages SET attachments = ? WHERE number = ?",
      ...[JSON.stringify(attachments), number],
    );
  });
  message.files.push(key);
}

test("whenever its object ends, an export comes to the same", async () => {
  const random = new Random(7);
  const world = await World.of(random, { people: 4, conversations: 1 });
  const [at] = world.conversations;
  if (!at) throw new Error("no conversation");
  for (let i = 0; i < 40; i++) await world.act();
  await attach(at, 20 * 1024 * 1024);
  const { view, kills } = await exportOf(at.id, true);
  expect(view).toMatchObject({ state: "done" });
  // Three parts.
  expect(view.result).toMatchObject({ size: expect.any(Number) });
  expect(Number(view.result?.["size"])).toBeGreaterThan(16 * 1024 * 1024);
  expect(kills).toBeGreaterThan(10);
  await compare(await Archive.of(view.id), at);
});

test("all who reacted to a message are there, although more do while they are read", async () => {
  const random = new Random(3);
  const world = await World.of(random, { people: 3, conversations: 1 });
  const [at] = world.conversations;
  const [owner] = at?.present ?? [];
  if (!at || !owner) throw new Error("no conversation");
  const message = await world.send(at, owner);
  const crowd = await Promise.all(Array.from({ length: 24 }, () => person("crowd")));
  const join = async (one: (typeof crowd)[number]) => {
    const body = { participantId: one.userId };
    await owner.post(`/api/v1/chat/conversations/${at.id}/participants`, body);
    at.present.push(one);
    await world.react(message, one, EMOJIS[0]);
  };
  for (const one of crowd.slice(0, 22)) await join(one);
  const late = crowd.slice(22);
  const restore = beforeQuestions("export-conversation", async (of) => {
    const [next] = of === "reactors" ? late.splice(0, 1) : [];
    if (next) await join(next);
  });
  const { view } = await exportOf(at.id).finally(restore);
  const archive = await Archive.of(view.id);
  expect(archive.list("reactions")).toHaveLength(24);
  await compare(archive, at);
});

test("a conversation that does not exist fails", async () => {
  const { view } = await exportOf("00000000-0000-8000-8000-000000000000");
  expect(view).toMatchObject({ state: "failed", error: "conversation_not_found" });
  expect(await env.FILES.head(`exports/${view.id}.tar`)).toBeNull();
});
