import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { MAX_ATTACHMENTS } from "../../src/domain/message.ts";
import { asAttachment, upload } from "../attachments/support.ts";
import { channelOf, directPair, groupOf, openLive, person, send } from "../support.ts";
import { admin, found, REPORTS, report, resolver } from "./support.ts";

/** Reporting a message: what is kept of it, and who may report which. */

const SMILE = String.fromCodePoint(0x1f600);

test("the message and the five before it are kept as they were, whatever happens to them later", async () => {
  const { alice, bob, conversationId } = await directPair();
  const ids: string[] = [];
  for (let i = 1; i <= 8; i++) {
    const { body } = await send(i % 2 ? alice : bob, conversationId, `message ${i}`);
    ids.push(body.messageId);
  }
  const uploaded = await upload(bob, "note.txt", "secret");
  const { body: sent } = await bob.post("/api/v1/chat/messages/with-attachments", {
    conversationId,
    content: "with a file",
    attachments: [asAttachment(uploaded)],
  });
  const body = { reason: "harassment", note: "  he insults\r\nme " };
  const reported = await report(alice, sent.messageId, body);
  expect(reported).toMatchObject({ status: 201, body: { id: expect.any(String) } });
  const before = await found(reported.body.id);

  const socket = await openLive(bob, conversationId);
  socket.send({ op: "edit", id: 1, messageId: ids[7], content: "harmless" });
  socket.send({ op: "delete", id: 2, messageId: sent.messageId });
  await socket.until(() => socket.all("ack").length === 2);
  expect(await found(reported.body.id)).toEqual(before);
  expect(before).toEqual({
    ...{ id: reported.body.id, state: "open", conversationId, messageId: sent.messageId },
    ...{ reporterId: alice.userId, reportedId: bob.userId },
    ...{ reason: "harassment", note: "he insults\nme", createdAt: expect.any(String) },
    ...{ claimedBy: null, claimedAt: null, resolvedBy: null, resolvedAt: null },
    ...{ action: null, resolution: null },
    snapshot: [
      ...[4, 5, 6, 7, 8].map((number) => ({
        messageId: ids[number - 1],
        senderId: number % 2 ? alice.userId : bob.userId,
        ...{ senderName: null, content: `message ${number}`, attachments: [] },
        createdAt: expect.any(String),
      })),
      {
        ...{ messageId: sent.messageId, senderId: bob.userId, senderName: null },
        ...{ content: "with a file", createdAt: expect.any(String) },
        attachments: [{ name: "note.txt", mimeType: "text/plain", size: 6 }],
      },
    ],
  });
});

test("names of senders are kept, and of those who have left; a deleted one has no text", async () => {
  const [alice, bob] = [await person("alice"), await person("bob", { name: "Bob" })];
  const carl = await person("carl", { name: "Carl" });
  const group = await groupOf(alice, bob, carl);
  await send(carl, group, "first");
  const { body: gone } = await send(carl, group, "second");
  const { body: last } = await send(bob, group, "third");
  const socket = await openLive(carl, group);
  socket.send({ op: "delete", id: 1, messageId: gone.messageId });
  await socket.next("ack");
  const path = `/api/v1/chat/conversations/${group}/participants/${carl.userId}`;
  expect((await carl.delete(path)).status).toBe(200);
  const { body } = await report(alice, last.messageId);
  const { snapshot } = await found(body.id);
  const texts = snapshot.map((one: Record<string, unknown>) => [one["senderName"], one["content"]]);
  expect(texts.slice(-3)).toEqual([
    ["Carl", "first"],
    ["Carl", ""],
    ["Bob", "third"],
  ]);
});

test("the same message by the same person is one report, also when both come at once", async () => {
  const { alice, bob, conversationId } = await directPair();
  const { body: sent } = await send(bob, conversationId, "x");
  const answers = await Promise.all([1, 2, 3].map(() => report(alice, sent.messageId)));
  answers.push(await report(alice, sent.messageId, { reason: "hate" }));
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  const { results } = await env.DB.prepare("SELECT reason FROM reports WHERE conversation_id = ?")
    .bind(conversationId)
    .all();
  expect(results).toEqual([{ reason: "spam" }]);
});

test("somebody reports whom they block: staff read what the reporter does not", async () => {
  const [alice, bob] = [await person("alice"), await person("bob")];
  const group = await groupOf(alice, bob, await person());
  await send(bob, group, "before the block");
  expect((await alice.put("/api/users/blocks", { userId: bob.userId })).status).toBe(204);
  const { body: sent } = await send(bob, group, "behind the block");
  const answer = await report(alice, sent.messageId);
  expect(answer.status).toBe(201);
  const { snapshot } = await found(answer.body.id);
  const texts = snapshot.map(({ content }: { content: string }) => content);
  expect(texts.slice(-2)).toEqual(["before the block", "behind the block"]);
});

test("in the marketplace, in its envelope, and only under the chat of the message", async () => {
  const { alice, bob, conversationId } = await directPair();
  const { body: sent } = await send(bob, conversationId, "x");
  const path = `/api/chat/${conversationId}/messages/${sent.messageId}/report`;
  const answer = await alice.post(path, { reason: "illegal", note: null });
  expect(answer).toMatchObject({ status: 201, body: { success: true } });
  expect(await found(answer.body.data.id)).toMatchObject({ reason: "illegal", note: null });
  const { body: other } = await alice.post("/api/v1/chat/conversations/direct", {
    otherUserId: (await person()).userId,
  });
  const elsewhere = `/api/chat/${other.conversationId}/messages/${sent.messageId}/report`;
  expect((await alice.post(elsewhere, { reason: "spam" })).body.code).toBe("message_not_found");
});

test("who may not report what", async () => {
  const { alice, bob, conversationId } = await directPair();
  const stranger = await person();
  const { body: sent } = await send(bob, conversationId, "x");
  const { body: gone } = await send(bob, conversationId, "x");
  const socket = await openLive(bob, conversationId);
  socket.send({ op: "delete", id: 1, messageId: gone.messageId });
  await socket.next("ack");
  const channel = await channelOf(alice, [bob]);
  const { body: said } = await send(alice, channel, "x");
  const refused = async (caller: typeof alice, messageId: string, body?: object) => {
    const answer = await report(caller, messageId, body);
    return [answer.status, answer.body.code];
  };
  expect(await refused(stranger, sent.messageId)).toEqual([403, "not_a_member"]);
  expect(await refused(stranger, said.messageId)).toEqual([403, "not_a_member"]);
  expect(await refused(bob, sent.messageId)).toEqual([403, "forbidden"]);
  expect(await refused(alice, gone.messageId)).toEqual([400, "message_deleted"]);
  const never = sent.messageId.replace(/.$/, "9");
  expect(await refused(alice, never)).toEqual([404, "message_not_found"]);
  expect(await refused(alice, "nothing")).toEqual([404, "message_not_found"]);
  for (const body of [{}, { reason: "boring" }, { reason: "spam", note: "x".repeat(2_001) }]) {
    expect(await refused(alice, sent.messageId, body)).toEqual([400, "invalid_request"]);
  }
});

test("the largest messages fit", async () => {
  const { alice, bob, conversationId } = await directPair();
  const attachments: object[] = [];
  for (let i = 0; i < MAX_ATTACHMENTS; i++) {
    attachments.push(asAttachment(await upload(bob, `${SMILE.repeat(100)}${i}.txt`, "x")));
  }
  const path = `/api/chat/${conversationId}/messages`;
  for (let i = 0; i < 5; i++) {
    expect((await bob.post(path, { content: SMILE.repeat(5_000) })).status).toBe(201);
  }
  const { body: sent } = await bob.post("/api/v1/chat/messages/with-attachments", {
    ...{ conversationId, content: SMILE.repeat(2_000), attachments },
  });
  const note = SMILE.repeat(2_000);
  const { body } = await report(alice, sent.messageId, { reason: "other", note });
  const { snapshot } = await found(body.id);
  expect(snapshot[0].content).toBe(SMILE.repeat(5_000));
  expect(snapshot[5].attachments).toHaveLength(MAX_ATTACHMENTS);
});

test("the queue is for resolvers and admins", async () => {
  const { alice } = await directPair();
  const support = await person("support", { role: "support" });
  for (const caller of [alice, support]) {
    const id = crypto.randomUUID();
    for (const answer of [
      await caller.get(REPORTS),
      await caller.post(`${REPORTS}/${id}/claim`),
      await caller.post(`${REPORTS}/${id}/release`),
      await caller.post(`${REPORTS}/${id}/resolve`, { action: "none" }),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([403, "forbidden"]);
    }
  }
  for (const caller of [resolver, admin]) expect((await caller.get(REPORTS)).status).toBe(200);
});
