import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { DELAY_MS, Projector } from "../../src/conversation/outbound/projection/projector.ts";
import { readCounters } from "../../src/conversation/tables/conversation.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { type FreshCommitter, someId, text, withCommitter } from "./fresh-committer.ts";

/** The real D1, whose writes a test can hold back or make fail. */
class HeldDatabase {
  /** Writes that began. */
  begun = 0;
  /** Writes at the same time, at most. */
  most = 0;
  /** Has D1 refuse what is written: a statement among it is none. */
  refuses = false;
  private active = new Set<Promise<unknown>>();
  private held: PromiseWithResolvers<void> | undefined;

  prepare(query: string): D1PreparedStatement {
    return env.DB.prepare(query);
  }

  batch<T>(statements: D1PreparedStatement[]): Promise<D1Result<T>[]> {
    this.begun++;
    const refused = this.refuses ? [env.DB.prepare("INSERT INTO nowhere VALUES (1)")] : [];
    const write = (this.held?.promise ?? Promise.resolve()).then(() =>
      env.DB.batch<T>([...statements, ...refused]),
    );
    this.active.add(write);
    this.most = Math.max(this.most, this.active.size);
    const ended = () => void this.active.delete(write);
    write.then(ended, ended);
    return write;
  }

  /** Holds writes up from now on, until they are released. */
  hold(): void {
    this.held = Promise.withResolvers();
  }

  release(): void {
    this.held?.resolve();
    this.held = undefined;
  }

  /** Resolves once every write that is not held back has ended and its waiters have run. */
  async idle(): Promise<void> {
    do {
      if (!this.held) await Promise.allSettled(this.active);
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.active.size > 0 && !this.held);
  }
}

/** A projector behind a committer over real storage, before the real D1. */
class Projection {
  readonly database = new HeldDatabase();
  readonly alarms: number[] = [];
  readonly logged: [event: string, failures: unknown][] = [];
  /** How often D1 was said to have caught up. */
  recoveries = 0;
  readonly fresh: FreshCommitter;
  /** Between 0 and 1. */
  random = 1;
  projector: Projector;

  constructor(fresh: FreshCommitter) {
    this.fresh = fresh;
    this.projector = this.wake();
    fresh.onCommit = ({ changes }) => this.projector.committed(changes);
  }

  /** A projector that knows nothing but what is stored. */
  wake(): Projector {
    this.fresh.wake();
    this.projector = new Projector({
      ...{ sql: this.fresh.storage.sql, memory: this.fresh.memory, epoch: "epoch" },
      directory: directoryOf(this.database),
      setAlarm: (time) => this.alarms.push(time - this.fresh.clock),
      clock: () => this.fresh.clock,
      random: () => this.random,
      onEntered: async () => undefined,
      onRecovered: () => this.recoveries++,
      log: (event, fields) => this.logged.push([event, fields["failures"]]),
    });
    return this.projector;
  }

  /** Commits messages, each by itself. */
  commit(...contents: string[]): void {
    for (const content of contents) {
      this.fresh.submit("ada", text(content));
      this.fresh.committer.flush();
    }
  }

  /** Lets time pass, and what is written then come to its end. */
  async after(milliseconds: number): Promise<void> {
    vi.advanceTimersByTime(milliseconds);
    await this.database.idle();
  }

  /** The alarm fires. Old ones are of no interest any more. */
  async alarm(): Promise<void> {
    this.alarms.length = 0;
    await this.projector.catchUp();
  }

  /** The newest revision, and the one that D1 is known to have. */
  get counters(): { rev: number; projectedRev: number } {
    return this.fresh.memory.counters;
  }

  /** What D1 has of the conversation. */
  async listed(): Promise<{ rev: number; lastNumber: number; members: number } | null> {
    return env.DB.prepare(
      `SELECT rev, last_number AS lastNumber,
         (SELECT count(*) FROM members WHERE conversation_id = conversations.id) AS members
       FROM conversations WHERE id = ?`,
    )
      .bind(this.fresh.memory.conversation.id)
      .first();
  }

  /** The numbers that D1 has as uncounted. */
  async uncounted(): Promise<unknown[]> {
    const { results } = await env.DB.prepare(
      "SELECT number FROM uncounted WHERE conversation_id = ? ORDER BY number",
    )
      .bind(this.fresh.memory.conversation.id)
      .all();
    return results;
  }
}

/** A conversation of three people that D1 knows. */
function withProjection(action: (projection: Projection) => Promise<void>): Promise<void> {
  return withCommitter(
    async (fresh) => {
      const projection = new Projection(fresh);
      await projection.projector.catchUp();
      expect(await projection.listed()).toEqual({ rev: 4, lastNumber: 0, members: 3 });
      projection.database.begun = 0;
      projection.alarms.length = 0;
      await action(projection);
    },
    "group",
    { ada: "owner", bob: "member", cyd: "member" },
    someId(),
  );
}

describe("a write", () => {
  test("starts 100 ms after a commit and includes later commits of that time", () =>
    withProjection(async (projection) => {
      projection.commit("one", "two");
      await projection.after(DELAY_MS - 1);
      expect(projection.database.begun).toBe(0);
      await projection.after(1);
      expect(projection.database.begun).toBe(1);
      expect(await projection.listed()).toMatchObject({ rev: 6, lastNumber: 2 });
      expect(projection.counters.projectedRev).toBe(6);
      await projection.after(10 * DELAY_MS);
      expect(projection.database.begun).toBe(1);
    }));

  test("is one at a time: commits made meanwhile are written together next", () =>
    withProjection(async (projection) => {
      const { database } = projection;
      database.hold();
      projection.commit("one");
      await projection.after(DELAY_MS);
      projection.commit("two", "three");
      await projection.after(10 * DELAY_MS);
      expect(database.begun).toBe(1);
      database.release();
      await database.idle();
      expect(await projection.listed()).toMatchObject({ lastNumber: 1 });
      await projection.after(DELAY_MS);
      expect([database.begun, database.most]).toEqual([2, 1]);
      expect(await projection.listed()).toMatchObject({ rev: 7, lastNumber: 3 });
    }));

  test("of an urgent commit starts at once, or right after the current one", () =>
    withProjection(async (projection) => {
      const { fresh, database } = projection;
      fresh.onCommit = ({ changes }) => projection.projector.committed(changes, true);
      database.hold();
      projection.commit("one");
      expect(database.begun).toBe(1);
      projection.commit("two");
      expect(database.begun).toBe(1);
      database.release();
      await database.idle();
      expect([database.begun, database.most]).toEqual([2, 1]);
      expect(await projection.listed()).toMatchObject({ lastNumber: 2 });
    }));

  test("of recent commits uses the changes in memory", () =>
    withProjection(async (projection) => {
      const { fresh } = projection;
      fresh.submit("ada", { type: "remove", userId: "cyd" });
      // Read from the tables, the message would not be listed as uncounted.
      fresh.storage.sql.exec("UPDATE messages SET rev = 0, created_rev = 0, sender_id = 'ada'");
      await projection.after(DELAY_MS);
      expect(await projection.uncounted()).toEqual([{ number: 1 }]);
    }));

  test("after a wake reads the changes from the tables", () =>
    withProjection(async (projection) => {
      projection.commit("one", "two");
      projection.wake();
      await projection.alarm();
      expect(await projection.listed()).toMatchObject({ rev: 6, lastNumber: 2 });
      expect(projection.counters.projectedRev).toBe(6);
    }));

  test("of many changes is paged, and the cursor is stored after each page", () =>
    withProjection(async (projection) => {
      const { fresh, database } = projection;
      projection.commit(...Array.from({ length: 501 }, (_, index) => `${index}`));
      projection.wake();
      await projection.alarm();
      expect([database.begun, database.most]).toEqual([2, 1]);
      expect(await projection.listed()).toMatchObject({ rev: 505, lastNumber: 501 });
      expect(readCounters(fresh.storage.sql).projectedRev).toBe(505);
    }));

  test("stores its cursor with the next commit", () =>
    withProjection(async (projection) => {
      const { sql } = projection.fresh.storage;
      projection.commit("one");
      await projection.after(DELAY_MS);
      expect(readCounters(sql).projectedRev).toBeLessThan(5);
      projection.commit("two");
      expect(readCounters(sql).projectedRev).toBe(5);
    }));
});

describe("waiting for a revision", () => {
  test("starts the write at once", () =>
    withProjection(async (projection) => {
      projection.commit("one");
      const reached = projection.projector.reached(5, 250);
      expect(projection.database.begun).toBe(1);
      expect(await reached).toBe(true);
      expect(await projection.listed()).toMatchObject({ rev: 5 });
    }));

  test("needs no write if D1 has the revision", () =>
    withProjection(async (projection) => {
      expect(await projection.projector.reached(4, 250)).toBe(true);
      expect(projection.database.begun).toBe(0);
    }));

  test("times out without cancelling the write", () =>
    withProjection(async (projection) => {
      const { database, projector } = projection;
      database.hold();
      projection.commit("one");
      const reached = projector.reached(5, 250);
      vi.advanceTimersByTime(249);
      const late = projector.reached(5, 1_000);
      vi.advanceTimersByTime(1);
      expect(await reached).toBe(false);
      database.release();
      expect(await late).toBe(true);
    }));

  test("for a commit made during a write starts the next one right after it", () =>
    withProjection(async (projection) => {
      const { database, projector } = projection;
      database.hold();
      projection.commit("one");
      const first = projector.reached(5, 250);
      projection.commit("two");
      const second = projector.reached(6, 250);
      database.release();
      expect(await Promise.all([first, second])).toEqual([true, true]);
      expect(database.begun).toBe(2);
    }));
});

describe("where several callers wait at a time", () => {
  /** A write that two callers waited for. */
  async function shared(projection: Projection): Promise<void> {
    projection.commit("one", "two");
    const { projector } = projection;
    expect(await Promise.all([projector.reached(5, 250), projector.reached(6, 250)])).toEqual([
      true,
      true,
    ]);
    projection.database.begun = 0;
  }

  test("the next write starts at the end of the commit window, with what was committed in it", () =>
    withProjection(async (projection) => {
      const { database, projector } = projection;
      await shared(projection);
      projection.commit("three");
      const first = projector.reached(7, 250);
      projection.commit("four");
      const second = projector.reached(8, 250);
      expect(database.begun).toBe(0);
      vi.advanceTimersByTime(0);
      expect(await Promise.all([first, second])).toEqual([true, true]);
      expect([database.begun, database.most]).toEqual([1, 1]);
      expect(await projection.listed()).toMatchObject({ rev: 8, lastNumber: 4 });
    }));

  test("a write that is running is followed at once by that of those who came meanwhile", () =>
    withProjection(async (projection) => {
      const { database, projector } = projection;
      await shared(projection);
      database.hold();
      projection.commit("three");
      const first = projector.reached(7, 250);
      vi.advanceTimersByTime(0);
      projection.commit("four");
      const second = projector.reached(8, 250);
      expect(database.begun).toBe(1);
      database.release();
      expect(await Promise.all([first, second])).toEqual([true, true]);
      expect([database.begun, database.most]).toEqual([2, 1]);
    }));

  test("the limit of a caller's time includes the window", () =>
    withProjection(async (projection) => {
      const { database, projector } = projection;
      await shared(projection);
      database.hold();
      projection.commit("three");
      const reached = projector.reached(7, 250);
      vi.advanceTimersByTime(250);
      expect(await reached).toBe(false);
      database.release();
      await database.idle();
      expect(await projection.listed()).toMatchObject({ rev: 7 });
    }));

  test("a second after the last of them, writes start at once again", () =>
    withProjection(async (projection) => {
      const { database, fresh, projector } = projection;
      await shared(projection);
      fresh.clock += 1_000;
      projection.commit("three");
      const reached = projector.reached(7, 250);
      expect(database.begun).toBe(1);
      expect(await reached).toBe(true);
    }));
});

describe("while D1 fails", () => {
  test("waiting resolves to false and only the alarm retries; then D1 catches up", () =>
    withProjection(async (projection) => {
      const { database } = projection;
      database.refuses = true;
      projection.commit("one");
      expect(await projection.projector.reached(5, 250)).toBe(false);
      projection.commit("two");
      expect(await projection.projector.reached(6, 250)).toBe(false);
      await projection.after(10 * DELAY_MS);
      expect(database.begun).toBe(1);
      expect(await projection.listed()).toMatchObject({ rev: 4 });

      await projection.alarm();
      expect(database.begun).toBe(2);
      database.refuses = false;
      await projection.alarm();
      expect(await projection.listed()).toMatchObject({ rev: 6, lastNumber: 2 });
      expect(projection.recoveries).toBe(1);
      expect(projection.logged).toEqual([
        ["projection_failed", 1],
        ["projection_failed", 2],
        ["projection_recovered", 2],
      ]);
      projection.commit("three");
      await projection.after(DELAY_MS);
      expect(await projection.listed()).toMatchObject({ rev: 7 });
    }));

  test("a failed write is repeated with all its rows", () =>
    withProjection(async (projection) => {
      const { fresh, database } = projection;
      database.refuses = true;
      // Its announcement is an uncounted message.
      fresh.submit("ada", { type: "remove", userId: "cyd" });
      fresh.committer.flush();
      await projection.after(DELAY_MS);
      database.refuses = false;
      projection.commit("two");
      await projection.alarm();
      expect(await projection.listed()).toMatchObject({ rev: 7, lastNumber: 2 });
      expect(await projection.uncounted()).toEqual([{ number: 1 }]);
    }));

  test.each([
    [1, 1_000],
    [0, 500],
  ])("retries back off from 1 s to 60 s (random: %i)", (random, first) =>
    withProjection(async (projection) => {
      projection.random = random;
      projection.database.refuses = true;
      projection.commit("one");
      const waits: (number | undefined)[] = [];
      for (let failures = 1; failures <= 9; failures++) {
        await projection.alarm();
        waits.push(projection.alarms.at(-1));
      }
      expect(waits.slice(0, 7)).toEqual([1, 2, 4, 8, 16, 32, 60].map((n) => n * first));
      expect(waits.slice(7)).toEqual([60 * first, 60 * first]);
    }),
  );

  test("a write without an answer for 10 s has failed; a late one does no harm", () =>
    withProjection(async (projection) => {
      const { database, projector } = projection;
      database.hold();
      projection.commit("one");
      const reached = projector.reached(5, 60_000);
      vi.advanceTimersByTime(10_000);
      expect(await reached).toBe(false);
      expect(projection.logged).toEqual([["projection_failed", 1]]);
      projection.commit("two");
      await database.idle();
      database.release();
      await projection.alarm();
      await database.idle();
      expect(await projection.listed()).toMatchObject({ rev: 6, lastNumber: 2 });
    }));
});

describe("a restart", () => {
  test("writes everything again, and is stored", () =>
    withProjection(async (projection) => {
      const { fresh, projector } = projection;
      projection.commit("one");
      await projection.after(DELAY_MS);
      const { id } = fresh.memory.conversation;
      for (const table of ["members", "uncounted"]) {
        await env.DB.prepare(`DELETE FROM ${table} WHERE conversation_id = ?`).bind(id).run();
      }
      await env.DB.prepare("DELETE FROM conversations WHERE id = ?").bind(id).run();
      projector.restart();
      expect(readCounters(fresh.storage.sql).projectedRev).toBe(0);
      await projection.after(DELAY_MS);
      expect(await projection.listed()).toEqual({ rev: 5, lastNumber: 1, members: 3 });
      expect(projection.counters.projectedRev).toBe(5);
    }));

  test("during a write starts over after it", () =>
    withProjection(async (projection) => {
      const { fresh, database, projector } = projection;
      database.hold();
      projection.commit("one");
      await projection.after(DELAY_MS);
      const { id } = fresh.memory.conversation;
      await env.DB.prepare("DELETE FROM members WHERE conversation_id = ?").bind(id).run();
      projector.restart();
      database.release();
      await database.idle();
      await projection.after(DELAY_MS);
      expect(database.most).toBe(1);
      expect(await projection.listed()).toEqual({ rev: 5, lastNumber: 1, members: 3 });
      expect(projection.counters.projectedRev).toBe(5);
    }));
});
