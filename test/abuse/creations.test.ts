import { createScheduledController, listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { directoryOf } from "../../src/directory/directory.ts";
import { upsertUsers } from "../../src/directory/users.ts";
import worker from "../../src/index.ts";
import { CONVERSATIONS, DIRECT, fetchWith, GROUP, NOBODYS, raw } from "../rest/requests.ts";
import { type Answer, type Caller, channelOf, groupOf, person, someone } from "../support.ts";

/** What one user can create within an hour, measured by the rows and objects created. */

const CHANNELS = "/api/v1/chat/channels";
const CHATS = "/api/chat";
const HOUR_MS = 60 * 60_000;

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Ids of this many users whom the host application has provisioned. */
async function provisioned(count: number): Promise<string[]> {
  const userIds = Array.from({ length: count }, () => someone("provisioned"));
  await upsertUsers(
    directoryOf(env.DB),
    userIds.map((userId) => ({ userId })),
    null,
  );
  return userIds;
}

/** A user whose token is valid for longer than an hour. */
function creator(options = {}): Promise<Caller> {
  return person("creator", { expiresIn: 3 * 3_600, ...options });
}

async function rows(query: string, ...bound: string[]): Promise<number> {
  const found = await env.DB.prepare(query)
    .bind(...bound)
    .first<number>("n");
  return found ?? 0;
}

/** The number of conversations that a user created, according to D1. */
const created = ({ userId }: Caller) =>
  rows("SELECT count(*) AS n FROM conversations WHERE created_by = ?", userId);

/** How much of a limit a user has used. */
const spent = ({ userId }: Caller, limit: string) =>
  rows("SELECT sum(amount) AS n FROM spending WHERE user_id = ? AND name = ?", userId, limit);

const objects = async () => (await listDurableObjectIds(env.CONVERSATIONS)).length;

function refusedBy({ status, headers, body }: Answer, limit: string): void {
  expect(status).toBe(429);
  expect(body).toMatchObject({ code: "rate_limited", limit });
  expect(Number(headers.get("Retry-After"))).toBeGreaterThan(0);
  expect(Number(headers.get("Retry-After"))).toBeLessThanOrEqual(3_600);
}

/** Every way to create a conversation that is neither a channel nor a support chat. */
const WAYS: ((caller: Caller, one: string, two: string) => Promise<Answer>)[] = [
  (caller, otherUserId) => caller.post(DIRECT, { otherUserId }),
  (caller, ...participantIds) => caller.post(GROUP, { participantIds }),
  (caller, one) => caller.post(CHATS, { participantIds: [one] }),
  (caller, ...participantIds) => caller.post(CHATS, { participantIds, type: "group" }),
  (caller, sellerId, purchaseRequestId) =>
    caller.post(`${CHATS}/purchase-request`, { purchaseRequestId, sellerId }),
];

describe("60 conversations an hour", { timeout: 90_000 }, () => {
  test("by all ways together, concurrently; refused calls create no object", async () => {
    const alice = await creator();
    const strangers = await provisioned(140);
    const create = (n: number) =>
      WAYS[n % WAYS.length]?.(alice, strangers[2 * n] ?? "", strangers[2 * n + 1] ?? "");
    const answers = await Promise.all(Array.from({ length: 65 }, (_, n) => create(n)));
    const refused = answers.filter((answer): answer is Answer => answer?.status === 429);
    expect(refused).toHaveLength(5);
    for (const answer of refused) refusedBy(answer, "conversations_per_hour");
    expect(answers.filter((answer) => answer?.status === 201)).toHaveLength(60);
    expect(await created(alice)).toBe(60);

    const before = await objects();
    for (const way of [1, 3])
      refusedBy((await create(65 + way)) as Answer, "conversations_per_hour");
    expect(await objects()).toBe(before);
    for (let n = 65; n < 70; n++) refusedBy((await create(n)) as Answer, "conversations_per_hour");
    expect(await created(alice)).toBe(60);
    // Channels and support chats have separate limits.
    expect((await alice.post(CHANNELS, { name: "Channel", isPublic: true })).status).toBe(201);
    expect((await alice.post(`${CHATS}/support`, {})).status).toBe(201);
  });

  test("in a sliding hour: an hour later there is room again", async () => {
    const alice = await creator();
    const strangers = await provisioned(62);
    const create = (n: number) => alice.post(DIRECT, { otherUserId: strangers[n] });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    await Promise.all(Array.from({ length: 60 }, (_, n) => create(n)));
    vi.setSystemTime(Date.now() + HOUR_MS - 10_000);
    const refused = await create(60);
    refusedBy(refused, "conversations_per_hour");
    expect(refused.headers.get("Retry-After")).toBe("10");
    vi.setSystemTime(Date.now() + 10_000);
    expect((await create(61)).status).toBe(201);
  });

  test("existing conversations are returned, and not counted", async () => {
    const alice = await creator();
    const [bob = "", carol = "", ...strangers] = await provisioned(70);
    const request = someone("request");
    const direct = () => alice.post(DIRECT, { otherUserId: bob });
    const chat = () => alice.post(CHATS, { participantIds: [bob] });
    const purchase = () =>
      alice.post(`${CHATS}/purchase-request`, { purchaseRequestId: request, sellerId: carol });
    const first = [await direct(), await purchase()].map(({ body }) => body);
    for (let i = 0; i < 5; i++) await direct();
    await chat();
    await purchase();
    expect(await spent(alice, "conversations_per_hour")).toBe(2);
    // A pair has no additions.
    expect(await spent(alice, "additions_per_hour")).toBe(0);
    await Promise.all(
      strangers.slice(0, 58).map((otherUserId) => alice.post(DIRECT, { otherUserId })),
    );
    refusedBy(await alice.post(DIRECT, { otherUserId: strangers[60] }), "conversations_per_hour");

    const again = [await direct(), await purchase(), await chat()];
    expect(again.map(({ status }) => status)).toEqual([201, 200, 200]);
    expect(again[0]?.body).toEqual(first[0]);
    expect(again[1]?.body.data.chat._id).toBe(first[1].data.chat._id);
    expect(await spent(alice, "conversations_per_hour")).toBe(60);
  });
});

test("10 channels an hour, and 5 support chats, counted separately", async () => {
  const alice = await creator();
  const channel = () => alice.post(CHANNELS, { name: "Channel", isPublic: false });
  const channels = await Promise.all(Array.from({ length: 12 }, channel));
  expect(channels.filter(({ status }) => status === 201)).toHaveLength(10);
  refusedBy(await channel(), "channels_per_hour");
  expect(await created(alice)).toBe(10);

  const support = () => alice.post(`${CHATS}/support`, { initialMessage: "Hello?" });
  const chats = await Promise.all(Array.from({ length: 7 }, support));
  expect(chats.filter(({ status }) => status === 201)).toHaveLength(5);
  refusedBy(await support(), "support_chats_per_hour");
  expect(await created(alice)).toBe(15);
  expect(await spent(alice, "conversations_per_hour")).toBe(0);
  // The members of the support pool were not added by her.
  expect(await spent(alice, "additions_per_hour")).toBe(0);
});

describe("300 added users an hour", { timeout: 90_000 }, () => {
  test("by creating, adding and inviting; a group is created with all or refused", async () => {
    const alice = await creator();
    const strangers = await provisioned(310);
    const next = () => strangers.pop() ?? "";
    const many = await alice.post(GROUP, {
      participantIds: Array.from({ length: 256 }, next),
      title: "Everybody",
    });
    expect(many.status).toBe(201);
    const conversationId = many.body.conversationId;
    const { body } = await alice.post(CHATS, { participantIds: [next(), next()], type: "group" });
    const channelId = await channelOf(alice, [], { isPublic: false });
    const ways = [
      () =>
        alice.post(`${CONVERSATIONS}/${conversationId}/participants`, { participantId: next() }),
      () => alice.post(`${CHATS}/${body.data.chat._id}/participants`, { userId: next() }),
      () => alice.post(`${CHANNELS}/${channelId}/invitations`, { userId: next() }),
    ];
    for (let i = 0; i < 40; i++) expect((await ways[i % 3]?.())?.status).toBe(200);
    expect(await spent(alice, "additions_per_hour")).toBe(298);

    const before = await created(alice);
    refusedBy(
      await alice.post(GROUP, { participantIds: [next(), next(), next()] }),
      "additions_per_hour",
    );
    expect(await created(alice)).toBe(before);
    expect(await spent(alice, "conversations_per_hour")).toBe(2);

    for (const way of ways.slice(0, 2)) expect((await way()).status).toBe(200);
    for (const way of ways) refusedBy(await way(), "additions_per_hour");
    expect((await alice.post(DIRECT, { otherUserId: next() })).status).toBe(201);
    const members = await rows(
      "SELECT count(*) AS n FROM members JOIN conversations ON id = conversation_id WHERE created_by = ? AND kind <> 'direct'",
      alice.userId,
    );
    // 300 added users, 13 of them invited; and she herself in two groups and a channel.
    expect(members).toBe(300 - 13 + 3);
  });

  test("other errors of a request take precedence, and do not count", async () => {
    const [alice, bob, carol] = [await creator(), await creator(), await creator()];
    const others = await provisioned(300);
    const group = await groupOf(alice, bob, carol);
    const foreign = await groupOf(bob, carol, await creator());
    const channelId = await channelOf(alice, [bob], { isPublic: false });
    const { body } = await alice.post(DIRECT, { otherUserId: bob.userId });
    const before = await spent(alice, "additions_per_hour");
    const add = (id: string, participantId: string) =>
      alice.post(`${CONVERSATIONS}/${id}/participants`, { participantId });
    const invite = (id: string, userId = "") =>
      alice.post(`${CHANNELS}/${id}/invitations`, { userId });
    const wrong = async () => [
      (await add(group, "")).body.code,
      (await add(group, "nobody")).body.code,
      (await add(group, bob.userId)).body.code,
      (await add(NOBODYS, others[0] ?? "")).body.code,
      (await add(foreign, others[0] ?? "")).body.code,
      (await add(body.conversationId, others[0] ?? "")).body.code,
      (await invite(channelId, bob.userId)).body.code,
      (await invite(group, others[0])).body.code,
      (await alice.post(DIRECT, { otherUserId: "nobody" })).body.code,
    ];
    const codes = [
      ...["invalid_request", "unknown_user", "already_a_member", "conversation_not_found"],
      ...["not_a_member", "not_a_group", "already_a_member", "conversation_not_found"],
      "unknown_user",
    ];
    expect(await wrong()).toEqual(codes);
    expect(await spent(alice, "additions_per_hour")).toBe(before);
    const left = 300 - before;
    await alice.post(GROUP, { participantIds: others.slice(0, 250) });
    await alice.post(GROUP, { participantIds: others.slice(0, left - 250) });
    expect(await spent(alice, "additions_per_hour")).toBe(300);
    expect(await wrong()).toEqual(codes);
    refusedBy(await add(group, others[0] ?? ""), "additions_per_hour");
  });
});

describe("the limits do not apply", () => {
  test("for admins", async () => {
    const admin = await creator({ role: "admin" });
    const channel = () => admin.post(CHANNELS, { name: "Channel", isPublic: false });
    for (let i = 0; i < 12; i++) expect((await channel()).status).toBe(201);
    expect(await spent(admin, "channels_per_hour")).toBe(0);
  });

  test("with REQUEST_LIMITS=off; the limits are settings", async () => {
    const alice = await creator();
    const init = () => raw(alice, "POST", JSON.stringify({ name: "Channel", isPublic: false }));
    const one = { CHANNELS_PER_HOUR: "1" };
    expect((await fetchWith(one, CHANNELS, init())).status).toBe(201);
    const refused = await fetchWith(one, CHANNELS, init());
    refusedBy(refused, "channels_per_hour");
    expect(refused.body.error).toContain("At most 1 new channels an hour");
    expect((await fetchWith({ ...one, REQUEST_LIMITS: "off" }, CHANNELS, init())).status).toBe(201);
  });
});

test("when D1 cannot count, nothing is created: 503", async () => {
  const alice = await creator();
  const before = await objects();
  vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1_ERROR: out of order"));
  const answer = await alice.post(CHANNELS, { name: "Channel", isPublic: true });
  expect(answer).toMatchObject({ status: 503, body: { code: "unavailable" } });
  expect(await objects()).toBe(before);
});

test("expired rows of limits are deleted every hour, for all users", async () => {
  const alice = await creator();
  await channelOf(alice);
  const all = () => rows("SELECT count(*) AS n FROM spending WHERE user_id = ?", alice.userId);
  const at = (ms: number) =>
    createScheduledController({ scheduledTime: new Date(Date.now() + ms) });
  await worker.scheduled(at(HOUR_MS / 2), env);
  expect(await all()).toBe(1);
  await worker.scheduled(at(HOUR_MS), env);
  expect(await all()).toBe(0);
});

test("what is refused across a block counts for nothing, and creates nothing", async () => {
  const [alice, bob, carol] = [await creator(), await creator(), await creator()];
  const [group, channel] = [await groupOf(alice, carol), await channelOf(alice)];
  expect((await bob.put("/api/users/blocks", { userId: alice.userId })).status).toBe(204);
  const limits = ["conversations_per_hour", "additions_per_hour"];
  const used = () => Promise.all(limits.map((limit) => spent(alice, limit)));
  const before = [await used(), await created(alice)];
  const participants = { title: "g", participantIds: [bob.userId, carol.userId] };
  for (const answer of [
    await alice.post(DIRECT, { otherUserId: bob.userId }),
    await alice.post(GROUP, participants),
    await alice.post(`${CONVERSATIONS}/${group}/participants`, { participantId: bob.userId }),
    await alice.post(`${CHANNELS}/${channel}/invitations`, { userId: bob.userId }),
  ]) {
    expect([answer.status, answer.body.code]).toEqual([403, "cannot_contact"]);
  }
  expect([await used(), await created(alice)]).toEqual(before);
});
