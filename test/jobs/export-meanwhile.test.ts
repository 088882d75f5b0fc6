import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { RETAINING } from "../../src/conversation/decide/purge.ts";
import { conversationOf } from "../../src/conversation/stub.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import { EMOJIS } from "../../src/domain/reaction.ts";
import { sendUploads, upload } from "../attachments/support.ts";
import { messagesSql } from "../seed-sql.ts";
import { type Caller, evict, groupOf, objectOf, person } from "../support.ts";
import { startOver } from "./epochs.ts";
import { Archive, beforeQuestions } from "./exporting.ts";
import { orderOf, runJob } from "./with-kills.ts";

/** What becomes of a conversation while it is exported: restored, deleted, purged; and what is under a legal hold. */

/** More than two pages. */
const MESSAGES = 1_200;

async function seeded(): Promise<{ alice: Caller; conversationId: string }> {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const conversationId = await groupOf(alice, bob);
  await change(conversationId, ["DELETE FROM messages", ...messagesSql(MESSAGES, alice.userId)]);
  return { alice, conversationId };
}

/** Changes what an object has stored, and has it begin anew. */
async function change(conversationId: string, statements: readonly string[]): Promise<void> {
  await runInDurableObject(objectOf(conversationId), (_, { storage }) => {
    for (const statement of statements) storage.sql.exec(statement);
  });
  await evict(conversationId);
}

const KINDS = ["export-conversation", "export-user"] as const;

/** Exports while `meanwhile` happens once, before the second question. */
async function exportWhile(
  kind: (typeof KINDS)[number],
  { alice, conversationId }: { alice: Caller; conversationId: string },
  meanwhile: () => Promise<unknown>,
) {
  let questions = 0;
  const restore = beforeQuestions(kind, async () => {
    if (++questions === 2) await meanwhile();
  });
  const params =
    kind === "export-user" ? { userId: alice.userId } : { conversationId, held: false };
  return runJob(orderOf(kind, params), { kills: false }).finally(restore);
}

test.each(KINDS)("%s begins anew with a conversation that is restored", async (kind) => {
  const world = await seeded();
  // Of a person a call looks through ten pages.
  if (kind === "export-user") await change(world.conversationId, more(6_000, world.alice));
  const { view } = await exportWhile(kind, world, async () => {
    await change(world.conversationId, ["UPDATE messages SET content = 'restored'"]);
    await startOver(world.conversationId, { by: crypto.randomUUID() });
  });
  expect(view).toMatchObject({ state: "done" });
  const archive = await Archive.of(view.id);
  const messages = archive.list("messages");
  expect(messages.length).toBeGreaterThanOrEqual(MESSAGES);
  expect(new Set(messages.map(({ content }) => content))).toEqual(new Set(["restored"]));
  const epoch = await runInDurableObject(
    objectOf(world.conversationId),
    (_, { storage }) =>
      storage.sql.exec<{ epoch: string }>("SELECT epoch FROM conversation").one().epoch,
  );
  const read =
    kind === "export-user" ? archive.list("conversations")[0] : archive.manifest.conversation;
  expect(read.epoch).toBe(epoch);
});

function more(count: number, { userId }: Caller): string[] {
  return ["DELETE FROM messages", ...messagesSql(count, userId)];
}

test("a conversation that is deleted meanwhile fails, and leaves nothing", async () => {
  const world = await seeded();
  const { view } = await exportWhile("export-conversation", world, () =>
    conversationOf(env, world.conversationId)
      .destroy()
      .catch(() => undefined),
  );
  expect(view).toMatchObject({ state: "failed", error: "conversation_not_found" });
  expect(await env.FILES.head(`exports/${view.id}.tar`)).toBeNull();
});

test("of a conversation that is deleted meanwhile the export of a person has nothing but its id", async () => {
  const world = await seeded();
  await change(world.conversationId, more(6_000, world.alice));
  const { view } = await exportWhile("export-user", world, () =>
    conversationOf(env, world.conversationId)
      .destroy()
      .catch(() => undefined),
  );
  expect(view).toMatchObject({ state: "done" });
  const archive = await Archive.of(view.id);
  expect(archive.manifest.missing).toEqual([world.conversationId]);
  expect(archive.list("messages")).toEqual([]);
});

test("messages that retention removes while they are exported are not in the archive, pinned ones are", async () => {
  const world = await seeded();
  const { alice, conversationId } = world;
  const pins = `/api/v1/chat/conversations/${conversationId}/pins`;
  const { status } = await alice.put(`${pins}/${messageIdOf(conversationId, 7)}`);
  expect(status).toBe(204);
  const { view } = await exportWhile("export-conversation", world, async () => {
    const purge = { type: "purge", upTo: 300 } as const;
    const options = { wait: false, readers: false };
    const { result } = await conversationOf(env, conversationId).submit(RETAINING, purge, options);
    expect(result).toMatchObject({ ok: true });
  });
  const archive = await Archive.of(view.id);
  const numbers = archive.list("messages").map(({ number }) => number);
  expect(numbers.slice(0, 3)).toEqual([7, 301, 302]);
  // The system says that one was pinned.
  expect(numbers.at(-1)).toBeGreaterThanOrEqual(MESSAGES);
  expect(numbers).toHaveLength((numbers.at(-1) ?? 0) - 299);
  expect(archive.single("conversation").purgedTo).toBe(300);
});

test("what a person takes back while they are exported is not in the archive", async () => {
  const world = await seeded();
  const { alice, conversationId } = world;
  await change(conversationId, more(6_000, alice));
  const [kept, gone] = [messageIdOf(conversationId, 1), messageIdOf(conversationId, 2)];
  const reactions = (id: string) => `/api/v1/chat/messages/${id}/reactions`;
  for (const id of [kept, gone]) await alice.post(reactions(id), { emoji: EMOJIS[0] });
  // As if nobody had changed them: they are on the first page.
  await change(conversationId, ["UPDATE messages SET rev = created_rev WHERE number <= 2"]);
  const { view } = await exportWhile("export-user", world, async () => {
    await alice.delete(`${reactions(gone)}/${encodeURIComponent(EMOJIS[0])}`);
    await alice.delete(`/api/v1/chat/messages/${messageIdOf(conversationId, 3)}`);
  });
  const archive = await Archive.of(view.id);
  expect(archive.list("reactions").map(({ id }) => id)).toEqual([kept]);
  expect(archive.list("messages")[2]).toMatchObject({ number: 3, content: "" });
  expect(archive.list("messages")).toHaveLength(6_000);
});

test("what messages were while there was a legal hold is there where it is asked for, with their files", async () => {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const conversationId = await groupOf(alice, bob);
  const file = await upload(alice, "evidence.txt", "the evidence");
  const { body } = await sendUploads(alice, conversationId, [file], { content: "before" });
  await conversationOf(env, conversationId).hold("", true);
  const deleted = await alice.delete(`/api/v1/chat/messages/${body.messageId}`);
  expect(deleted.status).toBeLessThan(300);
  for (const held of [true, false]) {
    const order = orderOf("export-conversation", { conversationId, held });
    const { view } = await runJob(order, { kills: false });
    const archive = await Archive.of(view.id);
    expect(archive.list("messages").at(-1)).toMatchObject({ id: body.messageId, content: "" });
    expect(archive.text().includes("before")).toBe(held);
    if (!held) continue;
    const former = {
      id: body.messageId,
      senderId: alice.userId,
      content: "before",
      deletedAt: null,
    };
    expect(archive.list("held")).toMatchObject([
      {
        ...former,
        createdAt: expect.stringMatching(/^2.*Z$/),
        attachments: [{ name: "evidence.txt" }],
      },
    ]);
    expect(archive.list("files")).toMatchObject([{ name: "evidence.txt", size: 12 }]);
  }
});
