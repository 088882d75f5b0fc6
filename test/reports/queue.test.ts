import { env } from "cloudflare:workers";
import { beforeAll, expect, test } from "vitest";
import { type Caller, directPair, person, send } from "../support.ts";
import { admin, found, REPORTS, report, resolver } from "./support.ts";

/** The queue of reports: claimed, given up, resolved; each act is in the audit log. */

const other = await person("resolver", { role: "resolver" });
let pair: Awaited<ReturnType<typeof directPair>>;

beforeAll(async () => {
  pair = await directPair();
});

/** A new report; its id. */
async function reported(): Promise<string> {
  const { body } = await send(pair.bob, pair.conversationId, "x");
  return (await report(pair.alice, body.messageId)).body.id;
}

const change = (caller: Caller, id: string, name: string, body?: object) =>
  caller.post(`${REPORTS}/${id}/${name}`, body);

/** Status, and the code of a refusal or the state of the report. */
async function outcome(...given: Parameters<typeof change>) {
  const { status, body } = await change(...given);
  return [status, body.code ?? body.state];
}

async function actsAbout(id: string) {
  const { results } = await env.DB.prepare(
    "SELECT actor_id, action FROM audit WHERE details ->> 'reportId' = ? ORDER BY at, rowid",
  )
    .bind(id)
    .all();
  return results.map(({ actor_id, action }) => [actor_id, action]);
}

test("one claims, the others wait until it is given up", async () => {
  const id = await reported();
  expect(await outcome(resolver, id, "claim")).toEqual([200, "claimed"]);
  expect(await outcome(resolver, id, "claim")).toEqual([200, "claimed"]);
  expect(await outcome(other, id, "claim")).toEqual([409, "report_claimed"]);
  expect(await outcome(other, id, "release")).toEqual([409, "report_claimed"]);
  expect(await outcome(other, id, "resolve", { action: "none" })).toEqual([409, "report_claimed"]);
  expect(await found(id, "claimed")).toMatchObject({ claimedBy: resolver.userId });
  expect(await outcome(resolver, id, "release")).toEqual([200, "open"]);
  expect(await outcome(other, id, "claim")).toEqual([200, "claimed"]);
  expect(await outcome(admin, id, "release")).toEqual([200, "open"]);
  expect(await actsAbout(id)).toEqual([
    [resolver.userId, "report.claim"],
    [resolver.userId, "report.release"],
    [other.userId, "report.claim"],
    [admin.userId, "report.release"],
  ]);
});

test("of many who claim at once, one gets it", async () => {
  const id = await reported();
  const many = await Promise.all(
    Array.from({ length: 8 }, () => person("resolver", { role: "resolver" })),
  );
  const answers = await Promise.all(many.map((one) => change(one, id, "claim")));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)]);
  expect(await actsAbout(id)).toHaveLength(1);
});

test("what was done is recorded, once and for all", async () => {
  const id = await reported();
  await change(resolver, id, "claim");
  const done = { action: "banned", resolution: "third time" };
  const answer = await change(resolver, id, "resolve", done);
  expect(answer.body).toMatchObject({
    ...{ state: "resolved", claimedBy: resolver.userId, resolvedBy: resolver.userId },
    ...done,
  });
  expect(await change(resolver, id, "resolve", done)).toMatchObject({ body: answer.body });
  const again = await outcome(resolver, id, "resolve", { action: "none" });
  expect(again).toEqual([409, "report_resolved"]);
  expect(await outcome(other, id, "claim")).toEqual([409, "report_resolved"]);
  expect(await outcome(admin, id, "release")).toEqual([409, "report_resolved"]);
  const { results } = await env.DB.prepare(
    "SELECT * FROM audit WHERE action = 'report.resolve' AND details ->> 'reportId' = ?",
  )
    .bind(id)
    .all();
  expect(results).toEqual([
    {
      ...{ id: expect.any(String), at: expect.any(Number), actor_id: resolver.userId },
      ...{ actor_role: "resolver", action: "report.resolve", reason: "third time" },
      ...{ conversation_id: pair.conversationId, target_id: pair.bob.userId },
      message_number: expect.any(Number),
      details: JSON.stringify({ reportId: id, action: "banned" }),
    },
  ]);
});

test("an admin resolves what somebody else has claimed; an open one needs no claim", async () => {
  const [claimed, open] = [await reported(), await reported()];
  await change(resolver, claimed, "claim");
  expect(await outcome(admin, claimed, "resolve", { action: "warned" })).toEqual([200, "resolved"]);
  expect(await outcome(other, open, "resolve", { action: "none" })).toEqual([200, "resolved"]);
});

test("nobody sees or decides a report about themselves", async () => {
  const judge = await person("resolver", { role: "resolver" });
  const { body: direct } = await judge.post("/api/v1/chat/conversations/direct", {
    otherUserId: pair.alice.userId,
  });
  const { body: sent } = await send(judge, direct.conversationId, "x");
  const { id } = (await report(pair.alice, sent.messageId)).body;
  for (const name of ["claim", "resolve"]) {
    expect(await outcome(judge, id, name, { action: "none" })).toEqual([403, "forbidden"]);
  }
  expect(await found(id)).toMatchObject({ reporterId: pair.alice.userId });
  expect(await found(id, "open", judge)).toBeUndefined();
  expect(await outcome(resolver, id, "claim")).toEqual([200, "claimed"]);
});

test.each(["nothing", crypto.randomUUID()])(
  "404 for a report that there is not: %s",
  async (id) => {
    const missing = [404, "report_not_found"];
    for (const name of ["claim", "release"]) {
      expect(await outcome(resolver, id, name)).toEqual(missing);
    }
    expect(await outcome(resolver, id, "resolve", { action: "none" })).toEqual(missing);
  },
);

test("pages: none twice, none missing, in order", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.push(await reported());
  const listed = async (state: string, limit: number) => {
    const all: { id: string; createdAt: string }[] = [];
    let cursor = "";
    for (;;) {
      const { body } = await resolver.get(`${REPORTS}?state=${state}&limit=${limit}${cursor}`);
      all.push(...body.items);
      if (body.next === undefined) return all;
      cursor = `&cursor=${body.next}`;
    }
  };
  const open = await listed("open", 2);
  expect(open.map(({ id }) => id).filter((id) => ids.includes(id))).toEqual(ids);
  expect(new Set(open.map(({ id }) => id)).size).toBe(open.length);
  expect(open).toEqual(open.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt)));
  for (const id of ids) await change(resolver, id, "resolve", { action: "none" });
  const resolved = await listed("resolved", 2);
  const times = resolved.map(({ createdAt }) => createdAt);
  expect(times).toEqual(times.toSorted().reverse());
  expect(resolved.map(({ id }) => id)).toEqual((await listed("resolved", 100)).map(({ id }) => id));
  expect((await resolver.get(`${REPORTS}?cursor=x`)).body.code).toBe("invalid_request");
});
