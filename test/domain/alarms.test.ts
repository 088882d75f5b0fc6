import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Alarms, CHECK_AFTER_MS } from "../../src/conversation/outbound/alarms.ts";

/** Named deadlines over the one alarm of an object. */

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Tasks = Record<string, () => Promise<void>>;

/** An object's alarm as the platform keeps it, and the tasks that ran. */
class World {
  readonly ran: string[] = [];
  readonly failed: string[] = [];
  /** What is stored; `null`: no alarm is set. */
  stored: number | null = null;
  /** How often it was set: a row each. */
  rows = 0;
  alarms: Alarms;
  /** How often an instance was told that the alarm was of an earlier one. */
  interruptions = 0;
  /** Until then no task does anything. */
  isSettled = false;
  private readonly tasks: Tasks;

  constructor(tasks: Tasks) {
    this.tasks = tasks;
    this.alarms = this.wake();
  }

  /** The object restarts: only what is stored is left. */
  wake(): Alarms {
    const alarms = new Alarms({
      setAlarm: (time) => {
        this.stored = time;
        this.rows++;
      },
      clock: () => Date.now(),
      onInterrupted: () => this.interruptions++,
      onFailure: (name) => this.failed.push(name),
    });
    for (const name of Object.keys(this.tasks)) {
      alarms.add(name, () => {
        this.ran.push(name);
        return this.isSettled ? (this.tasks[name] ?? done)() : done();
      });
    }
    this.alarms = alarms;
    return alarms;
  }

  /** Advances the time to the alarm, which fires. */
  async fire(): Promise<string[]> {
    if (this.stored === null) throw new Error("no alarm is set");
    vi.setSystemTime(Math.max(Date.now(), this.stored));
    this.stored = null;
    this.ran.length = 0;
    await this.alarms.fired();
    return [...this.ran];
  }

  get inMs(): number | undefined {
    return this.stored === null ? undefined : this.stored - Date.now();
  }
}

const done = () => Promise.resolve();
const fail = () => Promise.reject(new Error("no"));
const hang = () => new Promise<void>(() => undefined);

/** The same after its first alarm: the object knows all of its deadlines. */
async function settled(tasks: Tasks): Promise<World> {
  const world = new World(tasks);
  await world.alarms.fired();
  world.isSettled = true;
  world.ran.length = 0;
  world.rows = 0;
  return world;
}

test("a commit gives every task a deadline, and costs one row", async () => {
  const world = await settled({ a: done, b: done });
  world.alarms.ensure();
  world.alarms.ensure();
  expect([world.inMs, world.rows]).toEqual([CHECK_AFTER_MS, 1]);
  expect(await world.fire()).toEqual(["a", "b"]);
  expect([world.inMs, world.rows]).toEqual([undefined, 1]);
});

test("a commit joins the alarm that is set", async () => {
  const world = await settled({ a: done, b: done });
  world.alarms.ensure(["a"]);
  vi.advanceTimersByTime(400);
  world.alarms.ensure();
  expect([world.inMs, world.rows]).toEqual([CHECK_AFTER_MS - 400, 1]);
  expect(await world.fire()).toEqual(["a", "b"]);
});

test("a task that waits for a retry keeps its deadline, and the others have theirs", async () => {
  const world = await settled({ a: done, b: done });
  world.alarms.set("a", Date.now() + 30_000);
  world.alarms.ensure();
  expect(world.inMs).toBe(CHECK_AFTER_MS);
  expect(await world.fire()).toEqual(["b"]);
  expect(world.inMs).toBe(30_000 - CHECK_AFTER_MS);
  expect(await world.fire()).toEqual(["a"]);
});

test("a deadline moves earlier only by noLaterThan, both ways by set", async () => {
  const world = await settled({ a: done });
  world.alarms.noLaterThan("a", Date.now() + 5_000);
  world.alarms.noLaterThan("a", Date.now() + 9_000);
  expect(world.inMs).toBe(5_000);
  world.alarms.noLaterThan("a", Date.now() + 2_000);
  expect(world.inMs).toBe(2_000);
  world.alarms.set("a", Date.now() + 7_000);
  expect(world.inMs).toBe(7_000);
});

test("after a crash the stored alarm runs every task", async () => {
  const world = await settled({ a: done, b: done, c: done });
  world.alarms.set("a", Date.now() + 1_000);
  world.alarms.set("b", Date.now() + 60_000);
  world.wake();
  expect(world.interruptions).toBe(1);
  expect(await world.fire()).toEqual(["a", "b", "c"]);
  expect(world.interruptions).toBe(2);
});

test("a deadline set before the stored alarm fires replaces it, and covers every task", async () => {
  const world = await settled({ a: done, b: done });
  world.alarms.set("a", Date.now() + 500);
  world.wake();
  world.alarms.set("b", Date.now() + 60_000);
  expect(world.inMs).toBe(CHECK_AFTER_MS);
  expect(await world.fire()).toEqual(["a"]);
  expect(world.inMs).toBe(60_000 - CHECK_AFTER_MS);
});

test("a task that fails is retried after 1 s, doubled up to 60 s; another's backoff is its own", async () => {
  const world = await settled({ a: fail, b: done });
  world.alarms.ensure(["a"]);
  const waits: (number | undefined)[] = [];
  for (let i = 0; i < 8; i++) {
    expect(await world.fire()).toEqual(["a"]);
    waits.push(world.inMs);
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1_000));
  expect(world.failed).toHaveLength(8);
  world.alarms.ensure();
  expect(await world.fire()).toEqual(["b"]);
  expect(world.inMs).toBe(60_000 - CHECK_AFTER_MS);
});

test("a task that throws at once is one that fails", async () => {
  const world = await settled({
    a: () => {
      throw new Error("no");
    },
  });
  world.alarms.ensure();
  await world.fire();
  expect([world.failed, world.inMs]).toEqual([["a"], 1_000]);
});

test("a task that sets its own deadline while it runs keeps it", async () => {
  const world: World = await settled({
    a: async () => world.alarms.set("a", Date.now() + 7_000),
  });
  world.alarms.ensure();
  await world.fire();
  expect(world.inMs).toBe(7_000);
});

test("the handler waits for a slow task until another is due, which runs meanwhile", async () => {
  const world = await settled({ slow: hang, b: done });
  world.alarms.ensure(["slow"]);
  vi.setSystemTime(Date.now() + CHECK_AFTER_MS);
  const fired = world.alarms.fired();
  await vi.advanceTimersByTimeAsync(3_000);
  // A commit while the handler waits.
  world.alarms.ensure(["b"]);
  await vi.advanceTimersByTimeAsync(CHECK_AFTER_MS);
  await fired;
  world.ran.length = 0;
  world.stored = null;
  const again = world.alarms.fired();
  await vi.advanceTimersByTimeAsync(0);
  expect(world.ran).toEqual(["b"]);
  await vi.advanceTimersByTimeAsync(60_000);
  await again;
  // What still runs was not started twice, and has an alarm in case that the object is cut off.
  expect(world.ran).toEqual(["b"]);
  expect(world.inMs).toBeLessThanOrEqual(CHECK_AFTER_MS);
});

test("whatever is done and wherever it crashes, a task runs at its deadline, or a second later", async () => {
  const name = fc.constantFrom("a", "b", "c");
  const ms = fc.integer({ min: 0, max: 100_000 });
  const step = fc.oneof(
    fc.record({ op: fc.constant("ensure" as const) }),
    fc.record({ op: fc.constantFrom("set" as const, "noLaterThan" as const), name, ms }),
    fc.record({ op: fc.constant("advance" as const), ms }),
    fc.record({ op: fc.constant("crash" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const world = new World({ a: done, b: done, c: done });
      /** By name: when it must have run at the latest. */
      const latest = new Map<string, number>();
      const fireUntil = async (time: number) => {
        while (world.stored !== null && world.stored <= time) {
          for (const ran of await world.fire()) latest.delete(ran);
        }
        vi.setSystemTime(Math.max(Date.now(), time));
        for (const due of latest.values()) expect(due).toBeGreaterThanOrEqual(Date.now());
      };
      for (const one of steps) {
        const now = Date.now();
        if (one.op === "crash") {
          world.wake();
          // A deadline that is set first may replace the stored alarm by one a second later.
          for (const [task, time] of latest) latest.set(task, time + CHECK_AFTER_MS);
        } else if (one.op === "advance") {
          await fireUntil(now + one.ms);
        } else if (one.op === "ensure") {
          world.alarms.ensure();
          for (const task of ["a", "b", "c"]) {
            if (!latest.has(task)) latest.set(task, now + CHECK_AFTER_MS);
          }
        } else {
          world.alarms[one.op](one.name, now + one.ms);
          const known = latest.get(one.name) ?? Infinity;
          const time = now + one.ms;
          latest.set(one.name, one.op === "set" ? time : Math.min(known, time));
        }
      }
      await fireUntil(Date.now() + 200_000);
      expect([...latest]).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});
