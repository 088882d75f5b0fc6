import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { sweep } from "../../src/attachments/sweep.ts";
import { Conversation } from "../../src/conversation/object.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { latestJob } from "../../src/directory/jobs.ts";
import type { Kind } from "../../src/domain/conversation.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import { type Env, settingsOf } from "../../src/env.ts";
import type { JobContext } from "../../src/jobs/kind.ts";
import { retention as retentionJob } from "../../src/jobs/kinds/retention.ts";
import { retentionChanged } from "../../src/jobs/start-retention.ts";
import { keyOf, sendUploads, upload } from "../attachments/support.ts";
import { age, removeDue, retain } from "../conversation/retaining.ts";
import { SMALL, withBounds, within } from "../conversation/searching.ts";
import {
  type Caller,
  channelOf,
  fireAlarms,
  groupOf,
  objectOf,
  open,
  person,
  send,
} from "../support.ts";
import { fireUntilEnd } from "./with-kills.ts";

/** Retention, looked at through every door, and the job that has sleeping conversations look at what is due. */

/** Everything that an object stores, as text; full-text tables by what their own tables hold. */
function storedText(conversationId: string): Promise<string> {
  return runInDurableObject(objectOf(conversationId), (_, { storage }) => {
    const { sql } = storage;
    const tables = sql
      .exec<{ name: string; sql: string }>(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'",
      )
      .toArray()
      .filter(({ sql }) => !sql.startsWith("CREATE VIRTUAL"));
    return tables
      .map(({ name }) => [...sql.exec(`SELECT * FROM "${name}"`).raw()])
      .flat(2)
      .map((value) =>
        value instanceof ArrayBuffer ? new TextDecoder("latin1").decode(value) : value,
      )
      .join("\n");
  });
}

/** What the tables of D1 hold of a conversation, as text. */
async function directoryText(conversationId: string): Promise<string> {
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
  ).all<{ name: string }>();
  const all = await Promise.all(
    results.map(({ name }) => env.DB.prepare(`SELECT * FROM "${name}"`).raw()),
  );
  return all
    .flat()
    .map((row) => JSON.stringify(row))
    .filter((row) => row.includes(conversationId))
    .join("\n");
}

const sweepNow = () =>
  sweep({
    ...{ bucket: env.FILES, directory: directoryOf(env.DB), now: Date.now() },
    voidClaim: () => Promise.resolve(false),
  });

/** What a reader is shown through all doors, as text. */
async function seen(reader: Caller, group: string): Promise<string> {
  const first = await open(reader, group);
  const hello = await first.next("hello");
  const sync = await first.next("sync");
  const resumed = await open(reader, group, "?since=1");
  const answers = await Promise.all([
    resumed.next("sync"),
    ...[
      `/api/v1/chat/messages?conversationId=${group}&pageSize=100`,
      "/api/v1/chat/conversations",
      `/api/v1/chat/messages/search?q=kumquat&conversationId=${group}`,
      `/api/v1/chat/messages/search?q=kumquat`,
      `/api/v1/chat/conversations/${group}`,
      `/api/v1/chat/conversations/${group}/pins`,
      `/api/chat/${group}/messages`,
      `/api/chat/${group}/info`,
      "/api/chat",
      "/api/v1/chat/unread",
    ].map(async (path) => (await reader.get(path)).body),
  ]);
  first.close(1_000);
  resumed.close(1_000);
  return JSON.stringify([hello, sync, answers]);
}

test("what is gone is gone for every door: objects, D1, files, search and every command that names it", async () => {
  const [alice, bob, carol] = await Promise.all([person("alice"), person("bob"), person("carol")]);
  const group = await groupOf(alice, bob, carol);
  const idOf = (number: number) => messageIdOf(group, number);
  const files: string[] = [];
  for (let i = 1; i <= 30; i++) {
    if (i === 4 || i === 6) {
      const file = await upload(alice, `kumquat-file-${i}.txt`, `kumquat ${i}`);
      files.push(keyOf(file.body.fileUrl));
      await sendUploads(alice, group, [file], { content: `kumquat-text-${i}.` });
    } else {
      const mentions = i % 3 === 0 ? { mentions: [bob.userId] } : {};
      await send(alice, group, `kumquat-text-${i}.`, mentions);
    }
  }
  await bob.post(`/api/v1/chat/messages/${idOf(5)}/reactions`, { emoji: "👍" });
  await bob.post(`/api/v1/chat/messages/${idOf(8)}/read`);
  await alice.delete(`/api/v1/chat/messages/${idOf(7)}`);
  await bob.post(`/api/v1/chat/messages/${idOf(9)}/report`, { reason: "spam" });
  await alice.put(`/api/v1/chat/conversations/${group}/pins/${idOf(6)}`);
  // A search has had an index built.
  await withBounds(group, SMALL);
  await bob.get(`/api/v1/chat/messages/search?q=kumquat&conversationId=${group}`);
  await vi.waitFor(async () => {
    const covered = await within(group, ({ searchIndex }) => searchIndex.coverage?.covered);
    expect(covered).toBeGreaterThan(20);
  });
  const has = (text: string, number: number) => text.includes(`kumquat-text-${number}.`);
  const before = await seen(bob, group);
  expect([1, 4, 5, 6, 20, 21, 30].every((number) => has(before, number))).toBe(true);

  await retain(group, 1);
  await age(group, 20);
  expect(await removeDue(group)).toBe(20);
  await fireAlarms(group);

  const gone = [1, 2, 3, 4, 5, 7, 8, 9, 10, 18, 20];
  const there = [6, 21, 25, 30];
  const [after, stored] = [await seen(bob, group), await storedText(group)];
  for (const number of gone) {
    expect(has(after, number), `${number} is shown`).toBe(false);
    expect(has(stored, number), `${number} is stored`).toBe(false);
  }
  for (const number of there) expect(has(after, number), `${number} is not shown`).toBe(true);
  await vi.waitFor(async () => {
    const directory = await directoryText(group);
    // A report keeps what was reported and what was before it.
    const reports = directory.split("\n").filter((row) => row.includes("kumquat-text-9."));
    expect(reports.length).toBe(1);
    const others = directory.split("\n").filter((row) => !reports.includes(row));
    for (const number of gone) expect(has(others.join(), number), `${number} in D1`).toBe(false);
  });
  // The parts of the index that had them are empty, or dropped.
  const words = await within(group, ({ sql }) =>
    sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name GLOB 'search_[0-9]*_data'")
      .toArray()
      .map(({ name }) => ({
        first: Number(name.split("_")[1]),
        ...sql.exec<{ bytes: number }>(`SELECT sum(length(block)) AS bytes FROM ${name}`).one(),
      })),
  );
  expect(words.filter(({ first, bytes }) => first <= 20 && bytes > 20)).toEqual([]);
  const left = await env.DB.prepare(
    `SELECT (SELECT count(*) FROM mentions WHERE conversation_id = ?1 AND number <= 20) AS mentions,
       (SELECT count(*) FROM mentions_read WHERE conversation_id = ?1 AND number <= 20) AS reads,
       (SELECT count(*) FROM uncounted WHERE conversation_id = ?1 AND number <= 20) AS uncounted,
       (SELECT coalesce(sum(count), 0) FROM uncounted_blocks WHERE conversation_id = ?1) AS blocks`,
  )
    .bind(group)
    .first();
  expect(left).toEqual({ mentions: 0, reads: 0, uncounted: 0, blocks: 0 });
  await sweepNow();
  const [swept, kept] = await Promise.all(files.map((key) => env.FILES.head(key)));
  expect(swept).toBeNull();
  expect(kept).not.toBeNull();

  // Every command that names it, and a reply to it: as with a message that never was.
  const host = await person("host", { role: "service" });
  const refusedFor = async (id: string) => {
    const message = `/api/v1/chat/messages/${id}`;
    const answers = await Promise.all([
      bob.post(`${message}/reactions`, { emoji: "👍" }),
      bob.post(`${message}/read`),
      bob.get(`${message}/read-receipts`),
      bob.post(`${message}/report`, { reason: "spam" }),
      alice.put(`/api/chat/${group}/messages/${id}`, { content: "changed" }),
      bob.patch(`/api/chat/${group}/messages/read`, { messageIds: [id] }),
      alice.delete(message),
      alice.put(`/api/v1/chat/conversations/${group}/pins/${id}`),
      send(bob, group, "an answer", { replyToMessageId: id }),
      send(host, group, "an answer", { replyToMessageId: id }),
    ]);
    return answers.map(({ status, body }) => [status, body.code ?? body.error?.code ?? body]);
  };
  const refused = await refusedFor(idOf(5));
  expect(refused).toEqual(await refusedFor(idOf(4_000)));
  expect(refused[0]).toEqual([404, "message_not_found"]);
  expect(refused.every(([status]) => status >= 400)).toBe(true);
});

/** One step of the job after the other, with a setting. */
async function runWith(setting: Partial<Record<Kind, number>>): Promise<unknown> {
  const settings = settingsOf(env);
  if (settings instanceof Error) throw settings;
  const context = {
    env,
    settings: { ...settings, RETENTION_DAYS: setting },
  } as unknown as JobContext;
  const params = { setting: "" };
  for (let state = retentionJob.begin(params); ; ) {
    const step = await retentionJob.step(context, params, JSON.parse(JSON.stringify(state)));
    if (!("state" in step)) return step;
    state = step.state as typeof state;
  }
}

test("the job calls the conversations of the setting's kinds, and no others", async () => {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const [group, channel] = [await groupOf(alice, bob), await channelOf(alice, [bob])];
  for (const id of [group, channel]) {
    await send(alice, id, "one");
    await fireAlarms(id);
    // Both are due by days of their own, of which they do not know yet.
    await age(id, 10);
    await within(id, ({ memory }) => {
      memory.conversation = { ...memory.conversation, retentionDays: 1 };
    });
  }
  expect(await runWith({})).toMatchObject({ finished: { setting: "", conversations: 0 } });
  const count = await env.DB.prepare(
    "SELECT count(*) AS count FROM conversations WHERE kind = 'group'",
  );
  const { count: conversations } = (await count.first<{ count: number }>()) ?? {};
  expect(await runWith({ group: 1 })).toMatchObject({
    finished: { setting: "group=1", conversations },
  });
  await fireAlarms(group);
  const purgedTo = (id: string) => within(id, ({ memory }) => memory.conversation.purgedTo);
  await vi.waitFor(async () => expect(await purgedTo(group)).toBeGreaterThan(0));
  expect(await purgedTo(channel)).toBeUndefined();
});

test("a conversation that does not answer keeps the job from none of the others", async () => {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const [broken, other] = [await groupOf(alice, bob), await groupOf(alice, bob)].sort();
  if (!broken || !other) throw new Error("no groups");
  const { checkRetention } = Conversation.prototype;
  const called: string[] = [];
  let isBroken = true;
  vi.spyOn(Conversation.prototype, "checkRetention").mockImplementation(function (
    this: Conversation,
  ) {
    const { ctx } = this as unknown as { ctx: DurableObjectState };
    if (isBroken && ctx.id.name === broken) throw new Error("it is out of order");
    called.push(String(ctx.id.name));
    return checkRetention.apply(this);
  });
  await expect(runWith({ group: 1 })).rejects.toThrow("out of order");
  expect(called).toContain(other);
  expect(called).not.toContain(broken);
  isBroken = false;
  expect(await runWith({ group: 1 })).toHaveProperty("finished");
  expect(called).toContain(broken);
});

test("the cron starts the job once for each setting", async () => {
  const withSetting = (RETENTION_DAYS: string) => ({ ...env, RETENTION_DAYS }) as unknown as Env;
  const end = async () => {
    const job = await latestJob(directoryOf(env.DB), "retention");
    if (job) await fireUntilEnd(job.view.id);
    return job?.order.params;
  };
  await env.DB.prepare("DELETE FROM jobs WHERE kind = 'retention'").run();
  expect(await retentionChanged(withSetting(""))).toBe(false);
  expect(await retentionChanged(withSetting("channel=30, group=7"))).toBe(true);
  expect(await end()).toEqual({ setting: "group=7,channel=30" });
  expect(await retentionChanged(withSetting("group=7,channel=30"))).toBe(false);
  expect(await retentionChanged(withSetting("group=7"))).toBe(true);
  // One that is running is the last one.
  expect(await retentionChanged(withSetting("group=7"))).toBe(false);
  await end();
  expect(await retentionChanged(withSetting(""))).toBe(true);
  await end();
  expect(await retentionChanged(withSetting(""))).toBe(false);
});
