import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { Figures } from "../../src/conversation/figures.ts";
import type { Metrics } from "../../src/metrics.ts";
import * as metrics from "../../src/metrics.ts";
import { directPair, evict, fireAlarms, openLive, person, send } from "../support.ts";

/** Data points of Analytics Engine: what is written when, and that it is bounded. */

type Point = AnalyticsEngineDataPoint;

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** What the dataset is given; the local one keeps nothing. */
function recorded() {
  const dataset = env.METRICS;
  if (!dataset) throw new Error("METRICS is not bound");
  const points: Point[] = [];
  const write = dataset.writeDataPoint.bind(dataset);
  vi.spyOn(dataset, "writeDataPoint").mockImplementation((point) => {
    // The binding itself refuses what is no point.
    write(point);
    if (point) points.push(point);
  });
  return {
    of: (name: string) => points.filter(({ indexes }) => indexes?.[0] === name),
    points,
  };
}

test("a conversation writes one point of what it did, with its alarm", async () => {
  const { alice, bob, conversationId } = await directPair();
  await fireAlarms(conversationId);
  const { of } = recorded();
  await openLive(bob, conversationId);
  // As many as no other conversation of this runtime has sent.
  const sent = 17;
  for (let i = 0; i < sent; i++) {
    expect((await send(alice, conversationId, "hello")).status).toBe(201);
  }
  const points = () => of("conversation").filter(({ doubles = [] }) => doubles[0] === sent);
  expect(points()).toEqual([]);
  // The lists have everything by now: the time until the alarm is no lag of theirs.
  vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ["Date"] });
  await vi.waitFor(async () => {
    await fireAlarms(conversationId);
    expect(points()).toHaveLength(1);
  });
  const [{ blobs, doubles = [] } = {}] = points();
  expect(blobs).toEqual(["direct"]);
  const [sends, commands, refused, commits, commitMs, lagMs, sockets] = doubles;
  expect({ sends, commands, refused, commits, sockets }).toEqual({
    ...{ sends: sent, commands: sent, refused: 0, commits: sent, sockets: 1 },
  });
  for (const measured of [commitMs, lagMs]) {
    expect(measured).toBeGreaterThanOrEqual(0);
    expect(measured).toBeLessThan(5_000);
  }
  // Nothing has happened since.
  await fireAlarms(conversationId);
  expect(points()).toHaveLength(1);
});

test("a change that D1 does not take is a lag that grows with each point", () => {
  const points: Point[] = [];
  let now = 1_000;
  const figures = new Figures({
    metrics: { writeDataPoint: (point = {}) => void points.push(point) },
    kind: "group",
    clock: () => now,
    confirmed: async () => undefined,
    sockets: () => 0,
  });
  const flushed = (at: number) => {
    now = at;
    figures.flush();
    return points.at(-1)?.doubles?.[5];
  };
  figures.committed({ from: 1, to: 2, changes: [], outcomes: [] });
  expect(flushed(9_000)).toBe(8_000);
  figures.committed({ from: 2, to: 3, changes: [], outcomes: [] });
  expect(flushed(17_000)).toBe(16_000);
  now = 20_000;
  figures.projected();
  expect(flushed(25_000)).toBe(19_000);
  // There is nothing to say any more.
  expect(flushed(33_000)).toBe(19_000);
  expect(points).toHaveLength(3);
});

test("what was counted before the object ended is lost, and nothing else is", async () => {
  const { alice, conversationId } = await directPair();
  await fireAlarms(conversationId);
  const { of } = recorded();
  await send(alice, conversationId, "before");
  await evict(conversationId);
  await send(alice, conversationId, "after");
  await vi.waitFor(async () => {
    await fireAlarms(conversationId);
    expect(of("conversation").map(({ doubles = [] }) => doubles[0])).toEqual([1]);
  });
});

test("a dataset that throws changes nothing", async () => {
  const { alice, bob, conversationId } = await directPair();
  if (env.METRICS) {
    vi.spyOn(env.METRICS, "writeDataPoint").mockImplementation(() => {
      throw new Error("too many points");
    });
  }
  const socket = await openLive(bob, conversationId);
  expect((await send(alice, conversationId, "hello")).status).toBe(201);
  await socket.next("message", ({ message }) => message.content === "hello");
  expect((await send(bob, "nonsense", "hello")).status).toBe(400);
  await fireAlarms(conversationId);
});

test("connections are counted when they open and when they end", async () => {
  const { alice, conversationId } = await directPair();
  const { of } = recorded();
  vi.useFakeTimers({ now: Date.now() + 600_000, toFake: ["Date"] });
  const socket = await openLive(alice, conversationId);
  vi.setSystemTime(Date.now() + 60_000);
  socket.close(1_000);
  await vi.waitFor(() => {
    const native = of("socket").filter(({ blobs }) => blobs?.[0] === "native");
    expect(native.slice(-2).map(({ blobs, doubles }) => [blobs?.[1], ...(doubles ?? [])])).toEqual([
      ["opened", 1, 0],
      ["closed", 1, expect.any(Number)],
    ]);
    const ms = native.at(-1)?.doubles?.[1];
    expect(ms).toBeGreaterThanOrEqual(60_000);
    expect(ms).toBeLessThan(70_000);
  });
});

test("refusals are counted by their code, of requests and of commands", async () => {
  const { alice, conversationId } = await directPair();
  const stranger = await person("stranger");
  const { of } = recorded();
  vi.useFakeTimers({ now: Date.now() + 600_000, toFake: ["Date"] });
  await send(stranger, conversationId, "hello");
  const socket = await openLive(alice, conversationId);
  socket.send({ op: "delete", messageId: conversationId, id: 1 });
  await socket.next("error");
  expect(of("refusal").map(({ blobs, doubles }) => [...(blobs ?? []), doubles?.[0]])).toEqual(
    expect.arrayContaining([
      ["not_a_member", "request", 1],
      ["message_not_found", "command", 1],
    ]),
  );
});

test("a flood is added up: twenty points in ten seconds, and nothing is left out", () => {
  vi.useFakeTimers({ now: Date.now() + 86_400_000 });
  const points: Point[] = [];
  const dataset: Metrics = { writeDataPoint: (point = {}) => void points.push(point) };
  const counted = () => points.reduce((sum, { doubles = [] }) => sum + (doubles[0] ?? 0), 0);
  for (let i = 0; i < 1_000; i++)
    metrics.jobEnded(dataset, "rebuild", i % 2 ? "done" : "failed", 5);
  expect(points).toHaveLength(20);
  vi.advanceTimersByTime(10_000);
  metrics.jobEnded(dataset, "rebuild", "done", 5);
  expect(points).toHaveLength(23);
  expect(counted()).toBe(1_001);
  expect(points.reduce((sum, { doubles = [] }) => sum + (doubles[1] ?? 0), 0)).toBe(5_005);
});

test("what differs from all others is bounded", () => {
  vi.useFakeTimers({ now: Date.now() + 172_800_000 });
  const points: Point[] = [];
  const dataset: Metrics = { writeDataPoint: (point = {}) => void points.push(point) };
  for (let i = 0; i < 5_000; i++) metrics.jobEnded(dataset, `kind ${i}`, "done", 1);
  for (let i = 0; i < 20; i++) {
    vi.advanceTimersByTime(10_000);
    metrics.jobEnded(dataset, "last", "done", 1);
  }
  expect(points.length).toBeGreaterThan(200);
  expect(points.length).toBeLessThan(250);
});

test("a conversation of ids and texts leaves none in its points", async () => {
  const { alice, bob, conversationId } = await directPair();
  const { points } = recorded();
  await openLive(bob, conversationId);
  await send(alice, conversationId, "a secret text");
  await send(alice, conversationId, "\u0000 a secret text");
  await vi.waitFor(async () => {
    await fireAlarms(conversationId);
    expect(points.length).toBeGreaterThan(1);
  });
  const text = JSON.stringify(points);
  for (const secret of [alice.userId, bob.userId, conversationId, "secret"]) {
    expect(text).not.toContain(secret);
  }
});
