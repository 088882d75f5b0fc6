import { env } from "cloudflare:workers";
import { beforeAll, expect, test } from "vitest";
import { addActs } from "../../src/directory/audit.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import type { Act } from "../../src/domain/act.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import { directPair, person, someone } from "../support.ts";
import { admin, resolver } from "./support.ts";

/** The audit log, as admins read it. */

const directory = directoryOf(env.DB);
const actors = [someone("actor"), someone("actor")];
const targets = [someone("target"), someone("target"), someone("target")];
let conversationId = "";
const acts: Act[] = [];

beforeAll(async () => {
  ({ conversationId } = await directPair());
  for (let i = 0; i < 12; i++) {
    acts.push({
      ...{ id: crypto.randomUUID(), at: 1_000 * Math.floor(i / 2), actorRole: "moderator" },
      ...{ actorId: actors[i % 2] ?? "", targetId: targets[i % 3] ?? "" },
      action: i % 4 === 0 ? "message.delete" : "member.ban",
      ...(i % 4 === 0 && { conversationId, messageNumber: i + 1 }),
      ...(i === 5 && { reason: "spam", details: { until: "2030-01-01T00:00:00.000Z" } }),
    });
  }
  await addActs(directory, acts);
  await addActs(directory, acts);
});

/** The ids of the acts that a query finds, page by page. */
async function found(query: string, limit = 5): Promise<string[]> {
  const ids: string[] = [];
  let cursor = "";
  for (;;) {
    const { status, body } = await admin.get(`/api/admin/audit?${query}&limit=${limit}${cursor}`);
    expect(status).toBe(200);
    ids.push(...body.items.map(({ id }: { id: string }) => id));
    if (body.next === undefined) return ids;
    cursor = `&cursor=${body.next}`;
  }
}

/** The ids of those that fit, the newest first. */
const expected = (fits: (act: Act) => boolean) =>
  acts
    .filter(fits)
    .toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
    .map(({ id }) => id);

test("each filter, and several at once; an act that is added twice is there once", async () => {
  const [actorId = "", targetId = ""] = [actors[0], targets[1]];
  expect(await found(`actorId=${actorId}`)).toEqual(expected((act) => act.actorId === actorId));
  expect(await found(`targetId=${targetId}`, 1)).toEqual(
    expected((act) => act.targetId === targetId),
  );
  expect(await found(`conversationId=${conversationId.toUpperCase()}`)).toEqual(
    expected((act) => act.conversationId === conversationId),
  );
  const both = (act: Act) => act.actorId === actorId && act.targetId === targetId;
  expect(await found(`actorId=${actorId}&action=member.ban&targetId=${targetId}`)).toEqual(
    expected((act) => both(act) && act.action === "member.ban"),
  );
  const between = "after=1970-01-01T00:00:01Z&before=1970-01-01T00:00:04Z";
  expect(await found(`actorId=${actorId}&${between}`)).toEqual(
    expected((act) => act.actorId === actorId && act.at > 1_000 && act.at < 4_000),
  );
  expect(await found("targetId=nobody")).toEqual([]);
});

test("pages go on behind an act about somebody whose id is as long as it can be", async () => {
  const targetId = "𠮷".repeat(128);
  const ids = [1, 2, 3].map((version) => `ban:${targetId}:${version}`);
  const common = {
    actorId: admin.userId,
    actorRole: "admin",
    action: "user.ban",
    targetId,
  } as const;
  await addActs(
    directory,
    ids.map((id, at) => ({ id, at, ...common })),
  );
  expect(await found(`targetId=${encodeURIComponent(targetId)}`, 1)).toEqual(ids.toReversed());
});

test("an act in full", async () => {
  const read = async (index: number) => {
    const { body } = await admin.get(`/api/admin/audit?actorId=${acts[index]?.actorId}&limit=200`);
    return body.items.find(({ id }: { id: string }) => id === acts[index]?.id);
  };
  const common = { actorRole: "moderator", at: expect.any(String), id: expect.any(String) };
  expect(await read(5)).toEqual({
    ...common,
    ...{ actorId: actors[1], targetId: targets[2], action: "member.ban" },
    ...{ conversationId: null, messageId: null, reason: "spam" },
    details: { until: "2030-01-01T00:00:00.000Z" },
  });
  expect(await read(4)).toEqual({
    ...common,
    ...{ actorId: actors[0], targetId: targets[1], action: "message.delete", reason: null },
    ...{ conversationId, messageId: messageIdOf(conversationId, 5), details: null },
    at: "1970-01-01T00:00:02.000Z",
  });
});

test("only for admins; what makes no sense is refused", async () => {
  const caller = await person();
  for (const one of [caller, resolver]) {
    expect((await one.get("/api/admin/audit")).body.code).toBe("forbidden");
  }
  for (const query of ["cursor=x", "limit=0", "after=yesterday", "conversationId=x"]) {
    expect((await admin.get(`/api/admin/audit?${query}`)).body.code).toBe("invalid_request");
  }
});

test.each([
  ["actor_id", "audit_by_actor"],
  ["target_id", "audit_by_target"],
  ["conversation_id", "audit_by_conversation"],
  ["'x'", "audit_by_time"],
])("a page by %s is read by an index", async (column, index) => {
  const { results } = await env.DB.prepare(
    `EXPLAIN QUERY PLAN SELECT * FROM audit WHERE ${column} = 'x' AND (at, id) < (1, 'x')
     ORDER BY at DESC, id DESC LIMIT 10`,
  ).all<{ detail: string }>();
  const plan = results.map(({ detail }) => detail).join();
  expect(plan).toContain(index);
  expect(plan).not.toContain("TEMP B-TREE");
});
