import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { get, Hub, Io } from "../gateway/line.ts";
import { openInbox, openListed } from "../inbox/replica.ts";
import {
  endGrace,
  evictInbox,
  fireAlarm,
  leaving,
  presenceOver,
  rowsOf,
  stopClock,
} from "../inbox/watching.ts";
import { type Caller, directPair, evict, groupOf, openLive, person, send } from "../support.ts";
import { admin, ban, openUnchecked, typeOf, unban } from "./support.ts";

/** A ban ends every open connection of the user, wherever it is. */

const POLLING = "/socket.io/?EIO=4&transport=polling";
const NOT_DONE = /^199 /;

afterEach(() => {
  vi.restoreAllMocks();
});

const hasSources = (user: Caller, count: number) =>
  vi.waitFor(async () => expect(await rowsOf(user, "presence_sources")).toHaveLength(count));

/** Has the next calls of `evict` fail. */
function failing(type: Awaited<ReturnType<typeof typeOf>>, times: number) {
  const real = type.evict;
  let calls = 0;
  return vi.spyOn(type, "evict").mockImplementation(function (this: unknown, userId: string) {
    if (++calls <= times) throw new Error("broken");
    Reflect.apply(real, this, [userId]);
  });
}

test("native sockets, the inbox, both gateways and long polling, and nobody else's", async () => {
  const { alice, bob, conversationId } = await directPair();
  const group = await groupOf(alice, bob, await person());
  const [hers, inHers] = [await openListed(alice), await openLive(alice, group)];
  const native = [await openLive(bob, conversationId), await openLive(bob, group)];
  const inbox = await openInbox(bob);
  const [hub, io] = [await Hub.connect(bob), await Io.connect(bob)];
  expect(await hub.ask("JoinConversation", group)).toMatchObject({ conversationId: group });
  const { sid } = JSON.parse((await (await get(POLLING)).text()).slice(1));
  const session = `${POLLING}&sid=${sid}`;
  await get(session, {}, { method: "POST", body: `40${JSON.stringify({ token: bob.token })}` });
  await (await get(session)).text();
  const poll = get(session);
  await hasSources(bob, 5);

  await ban(bob);

  for (const socket of native) {
    expect(await socket.closed).toEqual({ code: 4403, reason: "banned" });
    expect(socket.events.at(-1)).toMatchObject({ type: "error", code: "banned" });
  }
  expect(await inbox.closed).toEqual({ code: 4403, reason: "banned" });
  expect(inbox.events.at(-1)).toMatchObject({ type: "error", code: "banned" });
  await hub.line.closed;
  expect(hub.messages().at(-1)).toEqual({ type: 7, error: expect.stringContaining("may not use") });
  await io.line.closed;
  expect(io.line.received.at(-1)).toBe("41");
  expect(await (await poll).text()).toBe("41");
  expect((await get(session)).status).toBe(400);
  await hasSources(bob, 0);

  expect((await send(alice, group, "hello")).status).toBe(201);
  expect((await send(alice, conversationId, "hello")).status).toBe(201);
  await inHers.next("message");
  await hers.until(() => hers.entry(conversationId)?.lastMessage?.content === "hello");
});

test("also where the objects hibernate", async () => {
  const { bob, conversationId } = await directPair();
  const native = await openLive(bob, conversationId);
  const [hub, io, inbox] = [await Hub.connect(bob), await Io.connect(bob), await openInbox(bob)];
  await hasSources(bob, 3);
  await Promise.all([evict(conversationId), hub.evict(), io.evict(), evictInbox(bob)]);
  await ban(bob);
  await Promise.all([native.closed, hub.line.closed, io.line.closed, inbox.closed]);
});

test("a connection that a Worker lets in which does not know of the ban yet", async () => {
  const { bob, conversationId } = await directPair();
  await ban(bob);
  const late = await openUnchecked(bob, conversationId);
  expect(await late.closed).toEqual({ code: 4403, reason: "banned" });
});

test("an object that cannot be reached is called again, also by another instance of the inbox", async () => {
  const { bob, conversationId } = await directPair();
  const socket = await openLive(bob, conversationId);
  await hasSources(bob, 1);
  const calls = failing(await typeOf(conversationId), 2);
  await ban(bob, {}, NOT_DONE);
  await evictInbox(bob);
  await vi.waitFor(async () => {
    await fireAlarm(bob);
    expect(calls).toHaveBeenCalledTimes(3);
  }, 10_000);
  expect(await socket.closed).toEqual({ code: 4403, reason: "banned" });
  await vi.waitFor(async () => expect(await rowsOf(bob, "evictions")).toEqual([]));
});

test("while D1 is down connections end; others learn of the ban once it is back", async () => {
  const { bob, conversationId } = await directPair();
  const socket = await openLive(bob, conversationId);
  await hasSources(bob, 1);
  const broken = vi.spyOn(env.DB, "prepare").mockImplementation(() => {
    throw new Error("D1_ERROR: down");
  });
  await ban(bob, {}, NOT_DONE);
  expect(await socket.closed).toEqual({ code: 4403, reason: "banned" });
  // The inbox knows without D1.
  const inbox = await openInbox(bob);
  expect(await inbox.closed).toEqual({ code: 4403, reason: "banned" });
  // Other requests are let in: nothing says who is banned.
  expect((await send(bob, conversationId, "still")).status).toBe(201);
  broken.mockRestore();
  await evictInbox(bob);
  await vi.waitFor(async () => {
    await fireAlarm(bob);
    expect(await rowsOf(bob, "ban_acts")).toEqual([]);
  }, 10_000);
  await expect
    .poll(async () => (await send(bob, conversationId, "x")).body.code, { timeout: 10_000 })
    .toBe("banned");
});

test("orders that follow each other: the last one holds, each is in the audit log once", async () => {
  const { bob, conversationId } = await directPair();
  await ban(bob, { reason: "one" });
  await unban(bob);
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  await ban(bob, { reason: "two", expiresAt });
  await unban(bob);
  const socket = await openLive(bob, conversationId);
  expect((await send(bob, conversationId, "back")).status).toBe(201);
  await socket.next("message");
  const { results } = await env.DB.prepare(
    "SELECT action, actor_id, actor_role, reason, details FROM audit WHERE target_id = ? ORDER BY at, id",
  )
    .bind(bob.userId)
    .all();
  const by = { actor_id: admin.userId, actor_role: "admin" };
  expect(results).toEqual([
    { ...by, action: "user.ban", reason: "one", details: null },
    { ...by, action: "user.unban", reason: null, details: null },
    { ...by, action: "user.ban", reason: "two", details: JSON.stringify({ until: expiresAt }) },
    { ...by, action: "user.unban", reason: null, details: null },
  ]);
});

test("others see them go offline", async () => {
  const { alice, bob, conversationId } = await directPair();
  stopClock();
  const watching = await openLive(alice, conversationId);
  await openLive(bob, conversationId);
  await watching.next("presence", ({ online }) => online);
  await ban(bob);
  await watching.next("presence", ({ online }) => !online);
  await leaving(bob);
  await endGrace(bob);
  expect(await presenceOver(alice, bob)).toMatchObject({ online: false });
});
