import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { claimFiles } from "../../src/attachments/claims.ts";
import { sweep, UNSENT_MS } from "../../src/attachments/sweep.ts";
import { Upload } from "../../src/attachments/upload.ts";
import { Conversation } from "../../src/conversation/object.ts";
import { conversationOf } from "../../src/conversation/stub.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import worker from "../../src/index.ts";
import { directPair, objectOf, person, someone } from "../support.ts";
import { bytes, png, zeros } from "./samples.ts";
import {
  deleteMessage,
  freePermit,
  keyOf,
  rowOf,
  sendUploads,
  stored,
  upload,
  watchParts,
} from "./support.ts";

afterEach(() => vi.restoreAllMocks());

const directory = directoryOf(env.DB);
const askConversation = (conversationId: string, claim: string) =>
  Promise.resolve(objectOf(conversationId).voidClaim(claim));

/** Sweeps at some time in the future. */
function sweepIn(milliseconds: number, voidClaim = askConversation): Promise<number> {
  return sweep({ bucket: env.FILES, directory, now: Date.now() + milliseconds, voidClaim });
}

const DAY_LATER = UNSENT_MS + 60_000;

async function isThere(key: string): Promise<boolean> {
  const [row, object] = await Promise.all([rowOf(key), env.FILES.head(key)]);
  expect(object !== null, "row and object go together").toBe(row !== null);
  return row !== null;
}

/** An upload that is not sent. */
async function unsent() {
  const alice = await person("alice");
  const file = await upload(alice, "a.txt", "hello");
  return { alice, file, key: keyOf(file.body.fileUrl) };
}

function claim(ownerId: string, conversationId: string, keys: string[]) {
  const now = Date.now();
  const voidClaim = () => Promise.resolve(false);
  const claim = crypto.randomUUID();
  return claimFiles({ directory, ownerId, conversationId, keys, now, claim, voidClaim });
}

test("uploads that are not sent within a day are deleted, sent ones are kept", async () => {
  const { alice, conversationId } = await directPair();
  const [file, other] = [await upload(alice, "a.txt", "a"), await upload(alice, "b.txt", "b")];
  await sendUploads(alice, conversationId, [file]);
  await sweepIn(UNSENT_MS - 60_000);
  expect(await isThere(keyOf(other.body.fileUrl))).toBe(true);
  expect(await sweepIn(DAY_LATER)).toBe(1);
  expect(await isThere(keyOf(other.body.fileUrl))).toBe(false);
  expect(await isThere(keyOf(file.body.fileUrl))).toBe(true);
  expect(await sweepIn(DAY_LATER)).toBe(0);
});

test("the cron trigger sweeps", async () => {
  await sweepIn(DAY_LATER);
  const { key } = await unsent();
  const log = vi.spyOn(console, "log");
  const scheduledTime = new Date(Date.now() + DAY_LATER);
  await worker.scheduled(createScheduledController({ scheduledTime }), env);
  expect(await isThere(key)).toBe(false);
  expect(log).toHaveBeenCalledExactlyOnceWith('{"event":"swept","removed":1}');
});

test("a deleted message's files are deleted at the next sweep", async () => {
  const { alice, conversationId } = await directPair();
  const file = await upload(alice, "a.txt", "hello");
  const sent = await sendUploads(alice, conversationId, [file]);
  await deleteMessage(alice, conversationId, sent.body.messageId);
  expect(await sweepIn(0)).toBe(1);
  expect(await isThere(keyOf(file.body.fileUrl))).toBe(false);
});

test("the parts of an unfinished upload are deleted", async () => {
  const parts = watchParts();
  const ownerId = someone();
  const now = Date.now();
  const options = { bucket: env.FILES, directory, ownerId, name: "a.png", now };
  await new Upload({ ...options, permit: freePermit() }).write(
    bytes(png(), zeros(6 * 1024 * 1024)),
  );
  expect(await parts.open()).toBe(1);
  expect(await sweepIn(DAY_LATER)).toBe(1);
  expect(await parts.open()).toBe(0);
  const { results } = await env.DB.prepare("SELECT key FROM uploads WHERE owner_id = ?")
    .bind(ownerId)
    .all();
  expect(results).toEqual([]);
});

test("a file claimed by a failed send is deleted after its conversation has voided the claim", async () => {
  const { alice, conversationId } = await directPair();
  const key = keyOf((await upload(alice, "a.txt", "hello")).body.fileUrl);
  const claimed = await claim(alice.userId, conversationId, [key]);
  if (!claimed.ok) throw new Error("not claimed");
  expect(await sweepIn(DAY_LATER)).toBe(1);
  expect(await isThere(key)).toBe(false);
  const { result } = await conversationOf(env, conversationId).submit(
    { userId: alice.userId, name: null, avatarUrl: null, role: "user", reach: "member" },
    { type: "send", kind: "text", maxLength: 2_000, ...claimed.value },
    { wait: false, readers: false },
  );
  expect(result.ok).toBe(false);
});

test("a file of a message is kept, even if D1 does not have the message", async () => {
  const { alice, conversationId } = await directPair();
  const file = await upload(alice, "a.txt", "hello");
  const batch = vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1_ERROR: unwell"));
  expect((await sendUploads(alice, conversationId, [file])).status).toBe(201);
  expect((await rowOf(keyOf(file.body.fileUrl)))?.sent_to).toBeNull();
  expect(await sweepIn(DAY_LATER)).toBe(0);
  batch.mockRestore();
  expect(await isThere(keyOf(file.body.fileUrl))).toBe(true);
});

test("an unreachable conversation keeps its own files; other files are deleted", async () => {
  const { alice, conversationId } = await directPair();
  const claimed = keyOf((await upload(alice, "a.txt", "a")).body.fileUrl);
  const other = keyOf((await upload(alice, "b.txt", "b")).body.fileUrl);
  await claim(alice.userId, conversationId, [claimed]);
  vi.spyOn(Conversation.prototype, "voidClaim").mockImplementation(() => {
    throw new Error("overloaded");
  });
  expect(await sweepIn(DAY_LATER)).toBe(1);
  expect([await isThere(claimed), await isThere(other)]).toEqual([true, false]);
  vi.restoreAllMocks();
  expect(await sweepIn(DAY_LATER)).toBe(1);
  expect(await isThere(claimed)).toBe(false);
});

test("a file that is claimed during a sweep is not deleted", async () => {
  const { alice, conversationId } = await directPair();
  const first = keyOf((await upload(alice, "a.txt", "a")).body.fileUrl);
  const file = await upload(alice, "b.txt", "b");
  const lost = await claim(alice.userId, conversationId, [first]);
  let sent = 0;
  await sweepIn(DAY_LATER, async (id, claimed) => {
    if (lost.ok && claimed === lost.value.claim) {
      sent = (await sendUploads(alice, conversationId, [file])).status;
    }
    return askConversation(id, claimed);
  });
  expect(sent).toBe(201);
  expect(await isThere(first)).toBe(false);
  expect(await isThere(keyOf(file.body.fileUrl))).toBe(true);
});

test("a file that is being deleted can be neither sent nor downloaded", async () => {
  const { alice, conversationId } = await directPair();
  const file = await upload(alice, "a.txt", "hello");
  const log = vi.spyOn(console, "log");
  const remove = vi.spyOn(env.FILES, "delete").mockRejectedValue(new Error("R2 is unwell"));
  expect(await sweepIn(DAY_LATER)).toBe(0);
  expect(JSON.parse(String(log.mock.calls[0]?.[0]))).toMatchObject({
    event: "sweep_failed",
    keys: [keyOf(file.body.fileUrl)],
  });
  remove.mockRestore();
  const sent = await sendUploads(alice, conversationId, [file]);
  expect([sent.status, sent.body.code]).toEqual([400, "unknown_attachments"]);
  expect(await sweepIn(0)).toBe(1);
  expect(await isThere(keyOf(file.body.fileUrl))).toBe(false);
});

test("a sweep that is interrupted between R2 and D1 is completed by the next", async () => {
  const { key } = await unsent();
  const prepare = env.DB.prepare.bind(env.DB);
  vi.spyOn(env.DB, "prepare").mockImplementation((query) => {
    if (/^delete/i.test(query)) throw new Error("cut off");
    return prepare(query);
  });
  expect(await sweepIn(DAY_LATER)).toBe(0);
  vi.restoreAllMocks();
  expect(await env.FILES.head(key)).toBeNull();
  expect(await rowOf(key)).not.toBeNull();
  expect(await sweepIn(DAY_LATER)).toBe(1);
  expect(await stored()).toMatchObject({ rows: expect.not.arrayContaining([key]) });
});

test("a sweep continues in batches, past rows that must be kept", async () => {
  await sweepIn(DAY_LATER);
  const insert = (from: number, to: number, claim: string | null, createdAt: number) =>
    env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
       INSERT INTO uploads (key, owner_id, name, mime_type, size, created_at, stored_at, claim, claimed_by)
       SELECT 'bulk-' || i || '.txt', 'bulk', 'a.txt', 'text/plain', 1, ?4, ?4, ?3, ?3 FROM n`,
    )
      .bind(from, to, claim, createdAt)
      .run();
  await insert(1, 150, "used", 1);
  await insert(151, 400, null, 2);
  const used = () => Promise.resolve(false);
  expect(await sweepIn(0, used)).toBe(250);
  const left = await env.DB.prepare("SELECT count(*) AS n FROM uploads WHERE owner_id = 'bulk'");
  expect(await left.first()).toEqual({ n: 150 });
  expect(await sweepIn(0, () => Promise.resolve(true))).toBe(150);
});
