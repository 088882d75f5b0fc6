import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { claimFiles } from "../../src/attachments/claims.ts";
import { Conversation } from "../../src/conversation/object.ts";
import { OpenConversation } from "../../src/conversation/open.ts";
import { conversationOf } from "../../src/conversation/stub.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { type Answer, type Caller, directPair, groupOf, objectOf, person } from "../support.ts";
import { keyOf, rowOf, sendUploads, upload } from "./support.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Advances the clock by this many milliseconds. */
function later(milliseconds: number): void {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(now + milliseconds);
}

async function pairWithUpload() {
  const { alice, bob, conversationId } = await directPair();
  const file = await upload(alice, "a.txt", "hello");
  return { alice, bob, conversationId, file, key: keyOf(file.body.fileUrl) };
}

/** Claims files as a send does first; a crash after it leaves the claim. */
function claim(owner: Caller, conversationId: string, keys: string[]) {
  return claimFiles({
    directory: directoryOf(env.DB),
    ownerId: owner.userId,
    conversationId,
    keys,
    now: Date.now(),
    claim: crypto.randomUUID(),
    voidClaim: (id, claimed) => Promise.resolve(objectOf(id).voidClaim(claimed)),
  });
}

function commit(owner: Caller, conversationId: string, claimed: Awaited<ReturnType<typeof claim>>) {
  if (!claimed.ok) throw new Error("nothing was claimed");
  const { userId } = owner;
  return conversationOf(env, conversationId).submit(
    { userId, name: null, avatarUrl: null, role: "user", reach: "member" },
    { type: "send", kind: "text", maxLength: 2_000, ...claimed.value },
    { wait: true, readers: false },
  );
}

async function messageCount(caller: Caller, conversationId: string): Promise<number> {
  const { body } = await caller.get(`/api/v1/chat/messages?conversationId=${conversationId}`);
  return body.totalCount;
}

const codeOf = ({ status, body }: Answer) => [status, body.code];

test("a claim left by a crash lasts ten seconds, and then the file can be sent again", async () => {
  const { alice, conversationId, file, key } = await pairWithUpload();
  expect(await claim(alice, conversationId, [key])).toMatchObject({ ok: true });
  const busy = await sendUploads(alice, conversationId, [file]);
  expect(codeOf(busy)).toEqual([409, "attachments_busy"]);
  later(9_000);
  expect(codeOf(await sendUploads(alice, conversationId, [file]))).toEqual(codeOf(busy));
  later(10_000);
  expect((await sendUploads(alice, conversationId, [file])).status).toBe(201);
  expect(await messageCount(alice, conversationId)).toBe(1);
  expect(await rowOf(key)).toMatchObject({ sent_to: conversationId, sent_number: 1 });
});

test("a send that crashes before its commit loses neither the file nor the right to send it", async () => {
  const { alice, conversationId, file, key } = await pairWithUpload();
  const submit = vi.spyOn(OpenConversation.prototype, "submit");
  submit.mockImplementationOnce(() => {
    throw new Error("the object crashed");
  });
  expect((await sendUploads(alice, conversationId, [file])).status).toBe(500);
  expect((await rowOf(key))?.claim).not.toBeNull();
  later(10_000);
  expect((await sendUploads(alice, conversationId, [file])).status).toBe(201);
  expect(await messageCount(alice, conversationId)).toBe(1);
});

test("a send that crashes after its commit has sent the file, once", async () => {
  const { alice, conversationId, file } = await pairWithUpload();
  const sendWithFiles = Conversation.prototype.sendWithFiles;
  vi.spyOn(Conversation.prototype, "sendWithFiles").mockImplementationOnce(async function (
    this: Conversation,
    ...args
  ) {
    await sendWithFiles.apply(this, args);
    throw new Error("the object is gone");
  });
  const key = { "Idempotency-Key": "k1" };
  expect((await sendUploads(alice, conversationId, [file], {}, key)).status).toBe(500);
  later(10_000);
  const again = await sendUploads(alice, conversationId, [file]);
  expect(codeOf(again)).toEqual([400, "unknown_attachments"]);
  const retry = await sendUploads(alice, conversationId, [file], {}, key);
  expect(retry).toMatchObject({ status: 201, body: { deduplicated: true } });
  expect(await messageCount(alice, conversationId)).toBe(1);
});

test("a used claim is not voided while D1 does not have the message yet", async () => {
  const { alice, conversationId, file, key } = await pairWithUpload();
  vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1_ERROR: unwell"));
  expect((await sendUploads(alice, conversationId, [file])).status).toBe(201);
  expect((await rowOf(key))?.sent_to).toBeNull();
  later(60_000);
  const again = await sendUploads(alice, conversationId, [file]);
  expect(codeOf(again)).toEqual([400, "unknown_attachments"]);
  expect(await messageCount(alice, conversationId)).toBe(1);
});

test("a voided claim never commits, also after an eviction", async () => {
  const { alice, conversationId, file, key } = await pairWithUpload();
  const lost = await claim(alice, conversationId, [key]);
  later(10_000);
  expect((await sendUploads(alice, conversationId, [file])).status).toBe(201);
  for (let i = 0; i < 2; i++) {
    const { result } = await commit(alice, conversationId, lost);
    expect(result).toMatchObject({ ok: false, error: { code: "unknown_attachments" } });
    await evictDurableObject(objectOf(conversationId));
  }
  expect(await messageCount(alice, conversationId)).toBe(1);
});

test("a delayed send fails after its claim was voided, and does not release the file", async () => {
  const { alice, conversationId, file, key } = await pairWithUpload();
  const submit = OpenConversation.prototype.submit;
  const reached = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  vi.spyOn(OpenConversation.prototype, "submit").mockImplementationOnce(function (
    this: OpenConversation,
    ...args
  ) {
    reached.resolve();
    void held.promise.then(() => submit.apply(this, args));
  });
  const slow = sendUploads(alice, conversationId, [file]);
  await reached.promise;
  later(10_000);
  expect((await sendUploads(alice, conversationId, [file])).status).toBe(201);
  held.resolve();
  expect(codeOf(await slow)).toEqual([400, "unknown_attachments"]);
  expect(await messageCount(alice, conversationId)).toBe(1);
  const row = await rowOf(key);
  expect(row).toMatchObject({ sent_to: conversationId, sent_number: 1 });
  expect(row?.claim).not.toBeNull();
});

test("a claim is voided in the conversation for which it was made, wherever the file is sent now", async () => {
  const { alice, bob, conversationId, file, key } = await pairWithUpload();
  const elsewhere = await groupOf(alice, bob, await person("carol"));
  const lost = await claim(alice, conversationId, [key]);
  later(10_000);
  expect((await sendUploads(alice, elsewhere, [file])).status).toBe(201);
  const { result } = await commit(alice, conversationId, lost);
  expect(result.ok).toBe(false);
  expect(await messageCount(alice, conversationId)).toBe(0);
});

test("of twenty concurrent sends that void the same claim exactly one succeeds", async () => {
  const { alice, conversationId, file, key } = await pairWithUpload();
  await claim(alice, conversationId, [key]);
  later(10_000);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => sendUploads(alice, conversationId, [file])),
  );
  expect(answers.filter((answer) => answer.status === 201).length).toBe(1);
  expect(await messageCount(alice, conversationId)).toBe(1);
});
