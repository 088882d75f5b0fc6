import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { inboxOf } from "../inbox/replica.ts";
import { rowsOf, usedBy } from "../inbox/watching.ts";
import { type Caller, directPair, groupOf, openLive, person, send } from "../support.ts";
import { ban, unban } from "./support.ts";

/** What bans cost those who are not banned, and what one costs. */

afterEach(() => {
  vi.restoreAllMocks();
});

test("messages look up no bans: D1 is asked once in some seconds, however many there are", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openLive(alice, conversationId);
  await send(alice, conversationId, "first");
  const prepared = vi.spyOn(env.DB, "prepare");
  const before = Date.now();
  for (let i = 0; i < 40; i++) {
    expect((await send(alice, conversationId, `${i}`)).status).toBe(201);
    socket.send({ op: "send", id: i, content: `${i}` });
  }
  await socket.until(() => socket.all("ack").length === 40);
  const reads = prepared.mock.calls.filter(([query]) => query.includes('"bans"'));
  expect(reads.length).toBeLessThanOrEqual(1 + Math.ceil((Date.now() - before) / 3_000));
});

test("a ban: rows of the inbox, and a call for each place where the user is connected", async () => {
  const { alice, bob, conversationId } = await directPair();
  const group = await groupOf(alice, bob, await person());
  await openLive(bob, conversationId);
  await openLive(bob, group);
  await vi.waitFor(async () => expect(await rowsOf(bob, "presence_sources")).toHaveLength(2));
  const inbox = await usedBy(bob, async () => {
    await ban(bob);
    await vi.waitFor(async () => expect(await rowsOf(bob, "presence_sources")).toEqual([]));
  });
  expect(inbox.calls.sort()).toEqual(["left", "left"]);
  // The ban, its act and two places, and their deletion; presence: two places, and that they are offline.
  expect(inbox.rowsWritten).toBeLessThanOrEqual(20);
  expect(await rowsOf(bob, "evictions")).toEqual([]);
  expect(await rowsOf(bob, "ban_acts")).toEqual([]);
});

test("the inbox of a user who was never banned stores nothing of it", async () => {
  const { bob } = await directPair();
  await inboxOf(bob).presenceNow();
  const tables = (user: Caller) =>
    runInDurableObject(inboxOf(user), (_, { storage: { sql } }) =>
      sql
        .exec("SELECT name FROM sqlite_master")
        .toArray()
        .map(({ name }) => name),
    );
  expect(await tables(bob)).not.toContain("ban");
  await ban(bob);
  await unban(bob);
  expect(await tables(bob)).toContain("ban");
});
