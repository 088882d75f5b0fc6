import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { inboxOf } from "../../src/conversation/stub.ts";
import { Random } from "../random.ts";
import { type Caller, groupOf, person, send } from "../support.ts";
import { type ModelConversation, World } from "./export-world.ts";
import { Archive, beforeQuestions, hashOf, type Json } from "./exporting.ts";
import { fireUntilEnd, orderOf, runJob } from "./with-kills.ts";

/** Exports of a person: everything that is theirs, and nothing of others. */

function exportOf({ userId }: Pick<Caller, "userId">, kills = false) {
  return runJob(orderOf("export-user", { userId }, userId), { kills });
}

function compare(archive: Archive, who: Caller, world: World): void {
  const wereIn = world.conversations.filter((at) => [...at.present, ...at.former].includes(who));
  const of = (at: ModelConversation) =>
    at.messages.filter(({ senderId }) => senderId === who.userId);
  const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
  expect(archive.list("messages").map(importedOf).sort(byId)).toEqual(
    wereIn
      .flatMap(of)
      .map(({ id, content, isEdited, isDeleted, files }) => ({
        id,
        content,
        isEdited,
        isDeleted,
        files,
      }))
      .sort(byId),
  );
  const reactions = wereIn.flatMap((at) =>
    at.messages.flatMap((message) =>
      [...message.reactions]
        .filter((reaction) => reaction.endsWith(` ${who.userId}`))
        .map((reaction) => `${message.id} ${reaction.split(" ")[0]}`),
    ),
  );
  expect(
    archive
      .list("reactions")
      .map(({ id, emoji }) => `${id} ${emoji}`)
      .sort(),
  ).toEqual(reactions.sort());
  const members = archive.list("members");
  expect(
    members.map((one) => [one.conversationId, one.leftAt === null, one.userId]).sort(),
  ).toEqual(wereIn.map((at) => [at.id, at.present.includes(who), who.userId]).sort());
  const titles = archive
    .list("conversations")
    .map(({ conversationId, title }) => [conversationId, title]);
  expect(titles).toEqual(
    wereIn.map((at) => [at.id, at.present.includes(who) ? "Group" : null]).sort(),
  );
  // Of others no text, and no id but of those who were in a conversation with them.
  const text = archive.text();
  for (const at of world.conversations) {
    for (const { senderId, texts } of at.messages) {
      if (senderId === who.userId) continue;
      for (const one of texts) expect(text).not.toContain(one.split(" ")[0]);
    }
  }
  for (const other of world.people) if (other !== who) expect(text).not.toContain(other.userId);
}

function importedOf({ id, content, editedAt, deletedAt, attachments }: Json) {
  return {
    ...{ id, content, isEdited: editedAt !== null, isDeleted: deletedAt !== null },
    files: attachments.map(({ key }: Json) => key),
  };
}

test("an archive has everything of a person from all their conversations, and nothing of others", async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.log(`seed ${seed}`);
  const random = new Random(seed);
  const world = await World.of(random, { people: 5, conversations: 3 });
  for (let i = 0; i < 150; i++) await world.act();
  // Each is exported while the others go on.
  let left = 15;
  const restore = beforeQuestions("export-user", async () => {
    if (left-- > 0) await world.act();
  });
  const jobs: string[] = [];
  try {
    for (const who of world.people.slice(0, 2)) jobs.push((await exportOf(who)).view.id);
  } finally {
    restore();
  }
  for (const id of jobs) expect((await Archive.of(id)).manifest).toMatchObject({ of: "user" });
  for (const who of world.people) {
    const { view } = await exportOf(who);
    expect(view).toMatchObject({ state: "done" });
    const archive = await Archive.of(view.id);
    compare(archive, who, world);
    for (const { key, sha256 } of archive.list("files")) expect(sha256).toBe(await hashOf(key));
    const files = world.conversations
      .flatMap(({ messages }) => messages)
      .filter(({ senderId }) => senderId === who.userId)
      .flatMap((message) => message.files);
    expect(archive.list("files").map(({ key }) => key)).toEqual(files.sort());
  }
});

test("whenever its object ends, an export of a person comes to the same", async () => {
  const world = await World.of(new Random(11), { people: 4, conversations: 2 });
  for (let i = 0; i < 40; i++) await world.act();
  const [who] = world.people;
  if (!who) throw new Error("nobody");
  const { view, kills } = await exportOf(who, true);
  expect(view).toMatchObject({ state: "done" });
  expect(kills).toBeGreaterThan(10);
  compare(await Archive.of(view.id), who, world);
});

test("profile, settings, levels, devices, blocks, reports and bans are in it, without secrets", async () => {
  const [alice, bob] = await Promise.all([person("alice", { name: "Alice" }), person("bob")]);
  const admin = await person("admin", { role: "admin" });
  const conversationId = await groupOf(bob, alice);
  const message = await send(bob, conversationId, "a text of bob");
  const api = "/api/v1/chat";
  const done = async (answer: Promise<{ status: number; body: Json }>) => {
    const { status, body } = await answer;
    expect(status, JSON.stringify(body)).toBeLessThan(300);
  };
  await done(
    alice.put(`${api}/conversations/${conversationId}/notifications`, { level: "mentions" }),
  );
  await done(alice.put("/api/notifications/settings", { preview: false }));
  await done(alice.put("/api/users/blocks", { userId: bob.userId }));
  await done(
    alice.post(`${api}/messages/${message.body.messageId}/report`, {
      reason: "spam",
      note: "my note",
    }),
  );
  await done(admin.put(`/api/admin/users/${alice.userId}/ban`, { reason: "my ban" }));
  const endpoint = "https://push.example.test/a-secret-address";
  const keys = { p256dh: "a-secret-key", auth: "another-secret" };
  await inboxOf(env, alice.userId).putPushDevice({ endpoint, keys });
  const { view } = await exportOf(alice);
  const archive = await Archive.of(view.id);
  expect(archive.list("devices")).toMatchObject([{ host: "push.example.test" }]);
  expect(archive.text()).not.toContain("secret");
  expect(archive.single("person")).toMatchObject({ id: alice.userId, name: "Alice", role: "user" });
  expect(archive.single("settings")).toMatchObject({ preview: false });
  expect(archive.list("levels")).toMatchObject([
    { conversationId, level: "mentions", until: null },
  ]);
  expect(archive.list("blocks")).toMatchObject([{ blockedId: bob.userId }]);
  expect(archive.list("reports")).toMatchObject([
    {
      conversationId,
      messageId: message.body.messageId,
      reason: "spam",
      note: "my note",
      state: "open",
    },
  ]);
  expect(archive.list("service-bans")).toMatchObject([{ reason: "my ban", liftedAt: null }]);
  expect(archive.text()).not.toContain("a text of bob");
  expect(archive.text()).not.toContain(admin.userId);
});

test("a conversation that D1 names and that is gone is named; one that does not answer is asked again", async () => {
  const alice = await person("alice");
  const bob = await person("bob");
  const conversationId = await groupOf(alice, bob);
  await send(alice, conversationId, "mine");
  const gone = "0a000000-0000-8000-8000-000000000000";
  await env.DB.prepare(
    `INSERT INTO members (user_id, conversation_id, role, joined_at, archived, read_up_to, read_beyond, epoch, rev)
     VALUES (?, ?, 'member', 1, 0, 0, 0, 'e', 1)`,
  )
    .bind(alice.userId, gone)
    .run();
  let failures = 2;
  const restore = beforeQuestions("export-user", async () => {
    if (failures-- > 0) throw new Error("no answer, in a test");
  });
  const order = orderOf("export-user", { userId: alice.userId }, alice.userId);
  const { view } = await runJob(order, { kills: false }).finally(restore);
  expect(await fireUntilEnd(view.id)).toMatchObject({ state: "done" });
  const archive = await Archive.of(view.id);
  expect(archive.manifest.missing).toEqual([gone]);
  expect(archive.list("messages")).toMatchObject([{ conversationId, content: "mine" }]);
});
