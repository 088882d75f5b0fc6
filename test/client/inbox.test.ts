import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { InboxEvent } from "../../src/client/inbox-event.ts";
import {
  changed,
  idOf,
  inboxHello,
  inboxOf,
  lastMessage,
  page,
  removal,
  row,
} from "./fake-inbox.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** An error of the server, as a list that cannot be read is answered. */
const UNAVAILABLE = { type: "error", code: "unavailable", message: "no D1", retryAfterMs: 2_000 };

test("the first page makes it live: rows newest first, unread messages, the user", async () => {
  const { inbox, socket, shown } = inboxOf();
  expect(inbox.status.state).toBe("connecting");
  const first = await socket(0);
  expect(first.url).toBe("wss://parley.test/live?features=reactions");
  expect(first.protocols).toEqual(["parley.v1", "bearer.t1"]);
  const silent = (number: number, day: string) =>
    row(number, 1, { lastMessage: null, createdAt: `2026-01-0${day}T00:00:00.000Z` });
  first.say(inboxHello(5), page([row(2, 1), silent(3, "4"), row(9, 1, { unread: 3 })]));
  expect(inbox.status.state).toBe("live");
  expect(inbox.isComplete).toBe(true);
  expect(shown()).toEqual(["T9 1", "T2 1", "T3 1"]);
  first.say(changed(silent(4, "5")));
  expect(shown()).toEqual(["T9 1", "T2 1", "T4 1", "T3 1"]);
  expect([inbox.unread, inbox.you]).toEqual([3, { userId: "me" }]);
  expect(await inbox.live()).toBe(inbox);
  expect(first.asked).toEqual([]);
});

test("rows arrive live: a new one, a newer one, a removal; an older one changes nothing", async () => {
  const { inbox, greeted, shown } = inboxOf();
  const heard: InboxEvent[] = [];
  const socket = await greeted(0, row(1, 5), row(2, 5));
  inbox.on("event", (event) => heard.push(event));
  socket.say(changed(row(1, 6, { unread: 1, lastMessage: lastMessage(1, 30) }), row(3, 1)));
  expect(shown()).toEqual(["T1 6", "T3 1", "T2 5"]);
  expect(inbox.row(idOf(1))?.unread).toBe(1);
  socket.say(changed(row(1, 4), removal(2, 6)), changed(row(2, 5), row(3, 1)));
  expect(shown()).toEqual(["T1 6", "T3 1"]);
  expect(heard.map((event) => ("row" in event ? [event.cause, event.row.title] : event))).toEqual([
    ["live", "T1"],
    ["live", "T3"],
    { type: "total", unread: 1 },
    { type: "removed", conversationId: idOf(2) },
  ]);
  // Restored to an earlier state: the epoch decides.
  socket.say(changed(row(1, 2, { epoch: "e2" })), changed(row(1, 9)), changed(row(2, 7)));
  expect(shown()).toEqual(["T3 1", "T2 7", "T1 2"]);
});

test("pages are requested one after the other; what changed meanwhile is kept", async () => {
  const { inbox, socket, shown } = inboxOf();
  const first = await socket(0);
  first.say(inboxHello(40), page([row(9, 1), row(8, 1)], "p1"));
  expect(inbox.status.state).toBe("connecting");
  expect(inbox.unread).toBe(40);
  expect(first.asked).toEqual([{ op: "list", id: expect.any(String), after: "p1" }]);
  first.say(changed(row(7, 3, { unread: 2 }), removal(6, 4)));
  first.say(page([row(7, 2), row(6, 3)], "p2"));
  expect(first.asked.at(-1)).toMatchObject({ op: "list", after: "p2" });
  expect(inbox.isComplete).toBe(false);
  first.say(page([row(5, 1)]));
  expect(inbox.status.state).toBe("live");
  expect(shown()).toEqual(["T9 1", "T8 1", "T7 3", "T5 1"]);
  expect(inbox.unread).toBe(2);
  expect(first.asked).toHaveLength(2);
});

test("after a disconnect it starts again; old rows are shown until the last page", async () => {
  const { inbox, sockets, socket, greeted, shown } = inboxOf();
  await greeted(0, ...[1, 2, 3, 4].map((number) => row(number, 5, { unread: 1 })));
  sockets[0]?.end(1006);
  expect(inbox.status).toMatchObject({ state: "offline", retryInMs: 1_000 });
  expect(shown()).toHaveLength(4);
  await vi.advanceTimersByTimeAsync(1_000);
  const second = await socket(1);
  const removed: string[] = [];
  inbox.on("removed", ({ conversationId }) => removed.push(conversationId));
  // An older copy of the list names the first one, and does not replace what is known of it.
  second.say(inboxHello(7), page([row(1, 4)], "p1"));
  second.say(changed(row(2, 6)));
  expect(shown()).toEqual(["T4 5", "T3 5", "T2 6", "T1 5"]);
  expect(inbox.unread).toBe(7);
  second.say(page([row(8, 1)]));
  expect(shown()).toEqual(["T8 1", "T2 6", "T1 5"]);
  expect(removed.sort()).toEqual([idOf(3), idOf(4)].sort());
  expect(inbox.unread).toBe(1);
});

test("a disconnect between two pages: the next connection starts at the first page", async () => {
  const { sockets, socket, shown } = inboxOf();
  (await socket(0)).say(inboxHello(), page([row(9, 1)], "p1"));
  sockets[0]?.end(1012);
  await vi.advanceTimersByTimeAsync(1_000);
  const second = await socket(1);
  second.say(inboxHello());
  expect(second.asked).toEqual([]);
  // The row of the first connection is not named by this one.
  second.say(page([row(8, 1)]));
  expect(shown()).toEqual(["T8 1"]);
});

describe("while D1 cannot be read", () => {
  test("the list is requested again after the given time; the rest goes on", async () => {
    const { inbox, socket, shown } = inboxOf();
    const first = await socket(0);
    first.say(inboxHello(), UNAVAILABLE);
    expect(inbox.status).toMatchObject({ state: "connecting", reason: "no D1" });
    first.say(changed(row(3, 1, { unread: 4 })));
    expect([shown(), inbox.unread]).toEqual([["T3 1"], 4]);
    const read = inbox.read(idOf(3));
    const { id } = first.asked[0] ?? {};
    first.say({ type: "ack", id, rev: 2 });
    await read;
    await vi.advanceTimersByTimeAsync(1_999);
    expect(first.asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(first.asked).toHaveLength(2);
    expect(first.asked[1]).toEqual({ op: "list", id: expect.any(String) });
    first.say({ ...page([row(3, 1), row(2, 1)]), id: first.asked[1]?.["id"] });
    expect(inbox.status.state).toBe("live");
    expect(shown()).toEqual(["T3 1", "T2 1"]);
  });

  test("a later page is requested again from its place, for as long as it takes", async () => {
    const { inbox, sockets, socket } = inboxOf();
    const first = await socket(0);
    first.say(inboxHello(), page([row(9, 1)], "p1"));
    for (let attempt = 1; attempt <= 30; attempt++) {
      expect(first.asked).toHaveLength(attempt);
      expect(first.asked.at(-1)).toMatchObject({ op: "list", after: "p1" });
      first.say({ ...UNAVAILABLE, id: first.asked.at(-1)?.["id"], retryAfterMs: 60_000 });
      await vi.advanceTimersByTimeAsync(15_000);
      sockets[0]?.say("pong");
    }
    first.say(page([]));
    expect(inbox.status.state).toBe("live");
    expect(sockets).toHaveLength(1);
  });
});

test("after 4401 it connects with a new token; 4400 is final unless there are too many sockets", async () => {
  let count = 0;
  const { inbox, sockets, socket, greeted } = inboxOf(() => `t${++count}`);
  (await greeted(0)).end(4401, "the token expired");
  await vi.advanceTimersByTimeAsync(0);
  const second = await socket(1);
  expect(second.protocols[1]).toBe("bearer.t2");
  second.say({ type: "error", code: "rate_limited", message: "too many" });
  second.end(4400, "too many sockets");
  expect(inbox.status.state).toBe("offline");
  await vi.advanceTimersByTimeAsync(2_000);
  const third = await greeted(2);
  expect(inbox.status.state).toBe("live");
  const unanswered = inbox.archive(idOf(1));
  const refused = expect(unanswered).rejects.toMatchObject({ code: "closed", message: "abuse" });
  third.end(4400, "abuse");
  await refused;
  expect(inbox.status).toMatchObject({ state: "closed", code: 4400 });
  await expect(inbox.read(idOf(1))).rejects.toMatchObject({ code: "closed" });
  await expect(inbox.live()).rejects.toMatchObject({ code: "closed" });
  expect(sockets).toHaveLength(3);
});

test("commands: one at a time, acknowledged, refused, and sent again after a disconnect", async () => {
  const { inbox, greeted, sockets } = inboxOf();
  const early = inbox.read(idOf(1), "m1");
  const first = await greeted(0, row(1, 1));
  const archived = inbox.archive(idOf(2), false);
  expect(first.asked).toMatchObject([{ op: "read", conversationId: idOf(1), upTo: "m1" }]);
  first.say({ type: "ack", id: first.asked[0]?.["id"], rev: 2 });
  await early;
  expect(first.asked.at(-1)).toMatchObject({ op: "archive", archived: false });
  first.end(1006);
  const resent: string[] = [];
  inbox.on("resend", ({ op }) => resent.push(op));
  await vi.advanceTimersByTimeAsync(1_000);
  const second = await greeted(1);
  expect(second.asked).toMatchObject([{ op: "archive", conversationId: idOf(2) }]);
  expect(resent).toEqual(["archive"]);
  const refused = expect(archived).rejects.toMatchObject({ code: "not_a_member" });
  second.say({ type: "error", id: second.asked[0]?.["id"], code: "not_a_member", message: "!" });
  await refused;
  const waiting = inbox.archive(idOf(3));
  await vi.advanceTimersByTimeAsync(25_000);
  second.say("pong");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(inbox.status).toMatchObject({ state: "offline", reason: "a command was not answered" });
  await vi.advanceTimersByTimeAsync(1_000);
  const third = await greeted(2);
  third.say({ type: "ack", id: third.asked[0]?.["id"], rev: 2 });
  await waiting;
  expect(sockets).toHaveLength(3);
});

test("pings, wake() and close(): as for a conversation", async () => {
  const { inbox, sockets, socket, greeted } = inboxOf();
  await greeted();
  await vi.advanceTimersByTimeAsync(40_000);
  expect(inbox.status).toMatchObject({ state: "offline", reason: "no answer to a ping" });
  inbox.wake();
  (await socket(1)).say(inboxHello(), page([]));
  const states: string[] = [];
  const listening = (async () => {
    for await (const event of inbox) if (event.type === "status") states.push(event.state);
  })();
  inbox.close();
  await listening;
  expect(states).toEqual(["closed"]);
  expect(sockets[1]?.isClosed).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

describe("what a newer server, or a broken one, sends", () => {
  test("unknown events, fields and names are kept or ignored", async () => {
    const { inbox, greeted, shown } = inboxOf();
    const problems: string[] = [];
    inbox.on("error", ({ reason }) => problems.push(reason));
    const socket = await greeted();
    socket.say(
      { type: "hologram", rows: 3 },
      changed({ ...row(1, 1), kind: "hologram", weather: "fine" } as never),
    );
    expect([shown(), inbox.row(idOf(1))?.kind]).toEqual([["T1 1"], "hologram"]);
    expect(problems).toEqual([]);
  });

  test("a row that cannot be read leaves the known one as it is, and the others", async () => {
    const { inbox, sockets, socket, greeted, shown } = inboxOf();
    const problems: string[] = [];
    inbox.on("error", ({ reason }) => problems.push(reason));
    await greeted(0, row(1, 1), row(2, 1));
    sockets[0]?.end(1006);
    await vi.advanceTimersByTimeAsync(1_000);
    const second = await socket(1);
    second.say(inboxHello(), page([{ ...row(1, 2), unread: "many" } as never, row(3, 1)]));
    expect(shown()).toEqual(["T3 1", "T1 1"]);
    second.say(changed(null as never));
    expect(problems).toEqual(["a page with rows that cannot be read"]);
  });

  test("a hello or a page that cannot be read replaces the socket, later and later", async () => {
    const { inbox, sockets, socket } = inboxOf();
    for (const [index, wait] of [500, 1_000, 2_000].entries()) {
      const found = await socket(index);
      found.say(index === 1 ? { type: "inbox", rows: 7 } : { type: "hello", you: 1 });
      expect(inbox.status).toMatchObject({ state: "offline", retryInMs: wait });
      await vi.advanceTimersByTimeAsync(wait);
    }
    (await socket(3)).say(inboxHello(), { type: "inbox", rows: [], more: true });
    expect(inbox.status).toMatchObject({
      state: "offline",
      reason: expect.stringContaining("page"),
    });
    expect(sockets).toHaveLength(4);
  });
});

describe("the level of notifications", () => {
  const muted = { level: "none", muted: true } as const;
  const level = (number: number, more = {}) => ({
    ...{ type: "level", conversationId: idOf(number), ...more },
  });

  test("changes by an event of its own, which is told as a row that has changed", async () => {
    const { inbox, greeted } = inboxOf();
    const heard: unknown[] = [];
    const socket = await greeted(0, row(1, 5), row(2, 5, muted));
    expect([inbox.row(idOf(1))?.muted, inbox.row(idOf(2))?.muted]).toEqual([undefined, true]);
    inbox.on("event", (event) => {
      if ("row" in event)
        heard.push([event.cause, event.row.title, event.row.level, event.row.muted]);
    });
    socket.say(level(1, muted), level(1, muted), level(2, { level: "mentions" }), level(2));
    // Of conversations that are not known, and of a newer server.
    socket.say(level(9, muted), level(1, { level: "urgent" }));
    expect(heard).toEqual([
      ["live", "T1", "none", true],
      ["live", "T2", "mentions", undefined],
      ["live", "T2", undefined, undefined],
      ["live", "T1", "urgent", undefined],
    ]);
    expect(inbox.row(idOf(2))).toEqual(row(2, 5));
    expect(inbox.rows.map(({ title, level }) => [title, level])).toEqual([
      ["T2", undefined],
      ["T1", "urgent"],
    ]);
  });

  test("that came last is the present one, also with an older row and after a disconnect", async () => {
    const { inbox, greeted } = inboxOf();
    const socket = await greeted(0, row(1, 5));
    socket.say(changed(row(1, 4, { ...muted, title: "older" })));
    expect(inbox.row(idOf(1))).toEqual(row(1, 5, muted));
    socket.say(changed(row(1, 6)));
    expect(inbox.row(idOf(1))).toEqual(row(1, 6));
    socket.say(changed(removal(1, 7)), changed(row(1, 6, muted)), level(1, muted));
    expect(inbox.row(idOf(1))).toBeUndefined();
  });
});
