import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { KnownBans, putBan } from "../../src/directory/bans.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { BanList } from "../../src/edge/bans.ts";
import { someone } from "../support.ts";

/** What an isolate knows of bans that others have made, and what it reads for that. */

const directory = directoryOf(env.DB);
const BAN = {
  bannedBy: "admin",
  bannedAt: 1,
  until: null,
  reason: null,
  liftedAt: null,
  version: 1,
};

afterEach(() => {
  vi.restoreAllMocks();
});

/** An isolate with a clock of its own. */
function isolate() {
  const failures: unknown[] = [];
  let now = Date.now();
  const list = new BanList({ clock: () => now, onFailure: (error) => failures.push(error) });
  let kept: Promise<unknown> = Promise.resolve();
  return {
    failures,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    /** What a request finds out; whether it waited for D1. */
    request: async (userId: string) => {
      const refreshing = list.refresh(
        () => directory,
        (work) => {
          kept = work;
        },
      );
      if (refreshing) await refreshing;
      return { isBanned: list.has(userId), waited: refreshing !== undefined };
    },
    /** Waits for what is read in the background. */
    settled: () => kept,
    expire: () => list.expire(),
  };
}

test("a ban of another isolate is known within six seconds, and so is its end", async () => {
  const one = isolate();
  const user = someone();
  expect(await one.request(user)).toEqual({ isBanned: false, waited: true });
  await putBan(directory, user, BAN, Date.now());
  one.pass(6_000);
  expect(await one.request(user)).toEqual({ isBanned: true, waited: true });
  await putBan(directory, user, { ...BAN, liftedAt: 2, version: 2 }, Date.now());
  one.pass(6_000);
  expect(await one.request(user)).toEqual({ isBanned: false, waited: true });
});

test("a busy isolate reads once in three seconds, in the background", async () => {
  const one = isolate();
  await one.request(someone());
  const reads = vi.spyOn(env.DB, "prepare");
  for (let second = 0; second < 30; second++) {
    for (let i = 0; i < 20; i++) {
      expect(await one.request(someone())).toEqual({ isBanned: false, waited: false });
      one.pass(50);
    }
    await one.settled();
  }
  expect(reads.mock.calls.length).toBeLessThanOrEqual(10);
});

test("only what has changed is read", async () => {
  const one = isolate();
  await one.request(someone());
  await putBan(directory, someone(), BAN, Date.now());
  one.expire();
  await one.request(someone());
  const rows = vi.spyOn(env.DB, "prepare");
  one.expire();
  await one.request(someone());
  expect(rows).toHaveBeenCalledTimes(1);
  const statement: D1PreparedStatement = rows.mock.results[0]?.value;
  const newest = await env.DB.prepare("SELECT max(changed_at) FROM bans").first<number>(
    "max(changed_at)",
  );
  const again = await statement.bind(newest, 10).run();
  expect(again.results).toEqual([]);
  expect(again.meta.rows_read).toBeLessThanOrEqual(1);
});

test("while D1 is down, what is known counts, and D1 is asked once in three seconds", async () => {
  const one = isolate();
  const banned = someone();
  await putBan(directory, banned, BAN, Date.now());
  expect((await one.request(banned)).isBanned).toBe(true);
  const broken = vi.spyOn(env.DB, "prepare").mockImplementation(() => {
    throw new Error("D1_ERROR: down");
  });
  one.pass(600_000);
  expect(await one.request(banned)).toEqual({ isBanned: true, waited: true });
  for (let i = 0; i < 20; i++) {
    expect(await one.request(banned)).toEqual({ isBanned: true, waited: false });
    one.pass(100);
  }
  expect(broken).toHaveBeenCalledTimes(1);
  expect(one.failures).toHaveLength(1);
});

test("an isolate that has never read it lets everybody in while D1 is down, and nobody waits for long", async () => {
  const one = isolate();
  const banned = someone();
  await putBan(directory, banned, BAN, Date.now());
  const stuck = vi.spyOn(env.DB, "prepare").mockImplementation(() => {
    const statement = { bind: () => statement, raw: () => new Promise(() => undefined) };
    return statement as unknown as D1PreparedStatement;
  });
  const before = performance.now();
  expect(await one.request(banned)).toEqual({ isBanned: false, waited: true });
  expect(performance.now() - before).toBeLessThan(3_000);
  expect(await one.request(banned)).toEqual({ isBanned: false, waited: false });
  stuck.mockRestore();
  one.pass(3_000);
  expect((await one.request(banned)).isBanned).toBe(true);
});

test("a ban ends by the clock, and an older order does not undo a newer one", async () => {
  const one = isolate();
  const [temporary, ordered] = [someone(), someone()];
  await putBan(directory, temporary, { ...BAN, until: Date.now() + 60_000 }, Date.now());
  await putBan(directory, ordered, { ...BAN, liftedAt: 3, version: 2 }, Date.now());
  await putBan(directory, ordered, BAN, Date.now());
  expect((await one.request(temporary)).isBanned).toBe(true);
  expect((await one.request(ordered)).isBanned).toBe(false);
  one.pass(120_000);
  expect((await one.request(temporary)).isBanned).toBe(false);
});

test("a read that ends behind a newer one does not bring back what that has undone", () => {
  const known = new KnownBans();
  const ban = { userId: "bob", until: null, liftedAt: null, changedAt: 3 };
  known.apply([{ ...ban, liftedAt: 5, changedAt: 5 }], 6);
  known.apply([ban], 6);
  expect(known.has("bob", 6)).toBe(false);
  expect(known.since).toBe(5);
});
