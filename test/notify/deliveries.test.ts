import { expect, test, vi } from "vitest";
import type { Delivery } from "../../src/domain/notification.ts";
import type { Receiver } from "../../src/notify/receiver.ts";
import { webhookOf } from "../../src/notify/webhook.ts";
import { Host } from "./host.ts";
import { NotifiedUser } from "./user.ts";

/** Deliveries that fail and are retried, with the webhook and a host on loopback. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The host application as a receiver; signatures have the real time. */
function webhook(host: Host, key = "webhook"): Receiver {
  const receiver = webhookOf(host.settings, () => Date.now());
  if (!receiver) throw new Error("no webhook");
  return { ...receiver, key };
}

/** A user who is told by a webhook. */
async function userWithHost(): Promise<{ user: NotifiedUser; host: Host }> {
  const host = await Host.start();
  return { user: new NotifiedUser([webhook(host)]), host };
}

async function acceptedIds(host: Host): Promise<unknown[]> {
  return (await host.accepted()).map(({ id }) => id);
}

async function arrivedIds(host: Host): Promise<(string | undefined)[]> {
  return (await host.arrived()).map(({ headers }) => headers["webhook-id"]);
}

const many = Array.from({ length: 20 }, (_, i) => `c${i}`);

test("what is accepted at once stores nothing, and asks for no alarm", async () => {
  const { user, host } = await userWithHost();
  const id = await user.notified("c");
  expect(await acceptedIds(host)).toEqual([id]);
  expect(await user.rows("deliveries")).toEqual([]);
  expect(user.alarmAt).toBe(Number.POSITIVE_INFINITY);
});

test("a host that is down for an hour: nothing is lost, nothing comes twice, ids stay", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 503 });
  const ids: string[] = [];
  for (const conversation of many) {
    ids.push(await user.notified(conversation));
    await user.pass(3 * MINUTE);
  }
  const before = (await host.arrived()).length;
  // 5, 10, 20, 40, 80, 160, 320, 640 s, then 15 minutes: whatever waits, one request each time.
  expect(before).toBe(11);
  await host.answers({ status: 204 });
  await user.pass(15 * MINUTE);
  expect((await acceptedIds(host)).sort()).toEqual([...ids].sort());
  expect((await host.arrived()).length).toBe(before + many.length);
  expect(await user.rows("deliveries")).toEqual([]);
  expect(await user.rows("delivery_receivers")).toEqual([]);
  await user.pass(24 * HOUR);
  expect(await host.arrived()).toHaveLength(before + many.length);
});

test("a retry says what is newest, and keeps its id; no text is stored", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 500 });
  const id = await user.notified("c", "a secret text");
  const stored = JSON.stringify(await user.rows("deliveries"));
  expect(stored).toContain(id);
  expect(stored).not.toContain("secret");
  user.unread.set("c", { rev: 12, text: "edited" });
  await host.answers({ status: 200 });
  await user.pass(MINUTE);
  expect(await host.accepted()).toMatchObject([{ id, message: { preview: "edited" } }]);
});

test("what was read meanwhile is not sent; that it was read is, once", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 500 });
  await user.notified("read");
  await user.notified("gone");
  const left = await user.notified("left");
  const read = await user.reads("read");
  user.unread.delete("gone");
  await host.answers({ status: 200 });
  await user.pass(HOUR);
  expect(await host.accepted()).toMatchObject([
    { type: "notification", id: left },
    { type: "notification-read", id: read, conversation: { id: "read" } },
  ]);
});

test("a newer notification takes in one that waits, with its older messages", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 500 });
  await user.notified("c");
  const [first] = await user.rows("deliveries");
  const newer = await user.notified("c", "newer");
  await host.answers({ status: 200 });
  await user.pass(MINUTE);
  expect(await host.accepted()).toMatchObject([{ id: newer, message: { preview: "newer" } }]);
  expect(user.rechecks.at(-1)).toMatchObject({ id: newer, afterRev: first?.["after_rev"] });
});

test("a newer notification ends the news that everything was read", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 500 });
  await user.reads("c");
  const id = await user.notified("c");
  await host.answers({ status: 200 });
  await user.pass(MINUTE);
  expect(await acceptedIds(host)).toEqual([id]);
});

test("Retry-After is respected, across evictions", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 429, headers: { "Retry-After": "1800" } }, { status: 200 });
  const id = await user.notified("c");
  await user.evict();
  const other = await user.notified("other");
  await user.pass(30 * MINUTE - 1);
  expect(await host.arrived()).toHaveLength(1);
  await user.pass(1);
  expect((await acceptedIds(host)).sort()).toEqual([id, other]);
});

test("410 stops for this user until they come back, and for nobody else", async () => {
  const { user, host } = await userWithHost();
  const other = new NotifiedUser([webhook(host)]);
  await host.answers({ status: 500 }, { status: 410 }, { status: 200 });
  await user.notified("c");
  await user.notified("d");
  await user.pass(MINUTE);
  expect(user.failures.at(-1)).toMatchObject({ receiver: "webhook", outcome: "gone" });
  await user.evict();
  await user.notified("c");
  await user.reads("c");
  await user.pass(24 * HOUR);
  expect(await host.arrived()).toHaveLength(2);
  expect(await user.rows("deliveries")).toEqual([]);
  const theirs = await other.notified("c");
  await user.in((deliveries) => deliveries.cameBack());
  const mine = await user.notified("c");
  expect(await acceptedIds(host)).toEqual([theirs, mine]);
});

test("after 24 hours it is given up, and the requests until then are bounded", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 502 });
  for (const conversation of many) await user.notified(conversation);
  await user.pass(25 * HOUR, { evict: false });
  // 8 pauses that grow, in 21 minutes, then four an hour.
  expect((await host.arrived()).length).toBeLessThanOrEqual(1 + 8 + 4 * 24);
  expect(await user.rows("deliveries")).toEqual([]);
  expect(user.failures.at(-1)).toEqual({ outcome: "expired", deliveries: many.length });
  expect(user.alarmAt).toBe(Number.POSITIVE_INFINITY);
});

test("one that the host alone rejects does not hold back what comes after it", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 403 });
  const rejected = await user.notified("rejected");
  await user.pass(30 * MINUTE);
  await host.answers({ status: 200 }, { status: 403 });
  const id = await user.notified("c");
  expect(await acceptedIds(host)).toEqual([id]);
  await user.pass(HOUR);
  await host.answers({ status: 200 });
  await user.pass(15 * MINUTE);
  expect(await acceptedIds(host)).toEqual([id, rejected]);
});

test("a crash during a retry: it is repeated with the same id", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 500 }, "hang", { status: 200 });
  const id = await user.notified("c");
  user.now = user.alarmAt;
  const check = user.in((deliveries) => deliveries.check()).catch(() => undefined);
  await host.untilArrived(2);
  await user.crash();
  await check;
  // The platform repeats an alarm whose handler did not end.
  await user.in((deliveries) => deliveries.check());
  expect(await arrivedIds(host)).toEqual([id, id, id]);
  expect(await acceptedIds(host)).toEqual([id]);
  expect(await user.rows("deliveries")).toEqual([]);
});

test("a crash before the alarm was set: whatever happens next sets it", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 500 });
  await user.notified("c");
  for (const event of ["cameBack", "read"] as const) {
    await user.crash();
    user.alarmAt = Number.POSITIVE_INFINITY;
    if (event === "cameBack") await user.in((deliveries) => deliveries.cameBack());
    else await user.reads("other");
    expect(user.alarmAt).toBeLessThan(user.now + 10_000);
  }
});

test("a conversation that cannot be asked is asked again; the host is not called for it", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 500 }, { status: 200 });
  const id = await user.notified("c");
  user.isAskable = false;
  await user.pass(HOUR);
  expect(await host.arrived()).toHaveLength(1);
  // Every 30 s, whether the object was evicted meanwhile or not.
  expect(user.rechecks.length).toBe(120);
  user.isAskable = true;
  await user.pass(MINUTE);
  expect(await acceptedIds(host)).toEqual([id]);
});

test("more conversations than one go retries, none of which can be asked: a pause, not at once again", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 503 }, { status: 200 });
  await user.notified("c");
  for (let i = 0; i < 500; i++) await user.notified(`c${i}`);
  user.isAskable = false;
  await user.pass(5_000);
  expect(user.rechecks.length).toBeLessThanOrEqual(500);
  expect(user.alarmAt).toBeGreaterThanOrEqual(user.now + 30_000);
});

test("50 notifications at once to a host that is down: at most six requests, counted as one failure", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 503 });
  const conversations = Array.from({ length: 50 }, (_, i) => `c${i}`);
  const ids = await Promise.all(conversations.map((conversation) => user.notified(conversation)));
  expect((await host.arrived()).length).toBeLessThanOrEqual(6);
  expect(await user.rows("delivery_receivers")).toMatchObject([{ failures: 1 }]);
  expect(user.alarmAt).toBe(user.now + 5_000);
  await host.answers({ status: 200 });
  await user.pass(5_000);
  expect((await acceptedIds(host)).sort()).toEqual([...ids].sort());
});

test("what a newer notification is about to say is left to it, and comes once", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 500 }, { status: 200 });
  await user.notified("c");
  const [waiting] = await user.rows("deliveries");
  user.isBusy = true;
  await user.pass(MINUTE);
  expect(await host.arrived()).toHaveLength(1);
  expect(await user.rows("deliveries")).toEqual([waiting]);
  // Nor does a conversation that is never quiet keep anybody from trying: the newer one is the attempt.
  const newer = await user.notified("c", "newer");
  expect(await host.accepted()).toMatchObject([{ id: newer, message: { preview: "newer" } }]);
  expect(await user.rows("deliveries")).toEqual([]);
});

test("several at once to a receiver whose pause is over: one tries, the rest follows", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 500 });
  await user.notified("read");
  user.unread.delete("read");
  await user.pass(HOUR);
  await host.answers({ status: 200 });
  const ids = await Promise.all(many.map((conversation) => user.notified(conversation)));
  expect(await acceptedIds(host)).toHaveLength(1);
  await user.pass(1);
  expect((await acceptedIds(host)).sort()).toEqual([...ids].sort());
});

test("what waits for an attempt that is under way follows at once when that is accepted", async () => {
  const answers: ((delivery: Delivery) => void)[] = [];
  const send = () => new Promise<Delivery>((resolve) => answers.push(resolve));
  const user = new NotifiedUser([{ key: "slow", send, forget: () => undefined }]);
  const failing = user.notified("a");
  await vi.waitFor(() => expect(answers).toHaveLength(1));
  await user.in(() => answers[0]?.({ outcome: "retry", reason: "down" }));
  await failing;
  user.now += MINUTE;
  const probing = user.notified("b");
  await vi.waitFor(() => expect(answers).toHaveLength(2));
  await user.notified("c");
  user.alarmAt = Number.POSITIVE_INFINITY;
  await user.in((deliveries) => deliveries.check());
  expect(answers).toHaveLength(2);
  // Should the object end before that, whatever waits is tried again soon.
  expect(user.alarmAt).toBe(user.now + 30_000);
  await user.in(() => answers[1]?.({ outcome: "delivered" }));
  await probing;
  expect(user.alarmAt).toBe(user.now);
});

test("a notification that had to wait for its turn is rechecked", async () => {
  const host = await Host.start();
  const answers: ((delivery: Delivery) => void)[] = [];
  const send = () => new Promise<Delivery>((resolve) => answers.push(resolve));
  const slow: Receiver = { key: "slow", send, forget: () => undefined };
  const user = new NotifiedUser([slow, webhook(host)]);
  const attempts = Array.from({ length: 7 }, (_, i) => user.notified(`c${i}`));
  await vi.waitFor(() => expect(answers).toHaveLength(6));
  user.unread.delete("c6");
  user.now += 1_000;
  await user.in(() => answers[0]?.({ outcome: "delivered" }));
  await vi.waitFor(() =>
    expect(user.rechecks.map(({ conversationId }) => conversationId)).toContain("c6"),
  );
  await user.in(() => {
    for (const answer of answers) answer({ outcome: "delivered" });
  });
  await Promise.allSettled(attempts);
  expect(answers).toHaveLength(6);
});

test("that everything was read waits for the notification under way, whatever becomes of it", async () => {
  const answers: ((delivery: Delivery) => void)[] = [];
  const order: string[] = [];
  const answered = (what: string) => () => {
    order.push(what);
    return new Promise<Delivery>((resolve) => answers.push(resolve));
  };
  const send = answered("notification");
  const sendRead = answered("read");
  const user = new NotifiedUser([{ key: "slow", send, sendRead, forget: () => undefined }]);
  const attempts = [user.notified("c"), user.notified("d"), user.reads("c")];
  await vi.waitFor(() => expect(order).toEqual(["notification", "notification"]));
  await user.in(() => answers[0]?.({ outcome: "delivered" }));
  await vi.waitFor(() => expect(order).toEqual(["notification", "notification", "read"]));
  await user.in(() => {
    for (const answer of answers) answer({ outcome: "delivered" });
  });
  await Promise.all(attempts);
});

test("a receiver that hangs delays neither the others nor other users", async () => {
  const host = await Host.start();
  const hanging = new Promise<Delivery>(() => undefined);
  const stuck: Receiver = { key: "stuck", send: () => hanging, forget: () => undefined };
  const user = new NotifiedUser([stuck, webhook(host)]);
  void user.notified("c");
  void user.notified("d");
  await host.untilArrived(2);
  const other = new NotifiedUser([webhook(host)]);
  await other.notified("c");
  expect(await host.accepted()).toHaveLength(3);
});

test("receivers that are no more are forgotten, with what waits for them", async () => {
  const { user, host } = await userWithHost();
  await host.answers({ status: 500 });
  await user.notified("c");
  user.receivers = [];
  await user.pass(MINUTE);
  expect(await user.rows("deliveries")).toEqual([]);
  expect(await user.rows("delivery_receivers")).toEqual([]);
  expect(user.alarmAt).toBe(Number.POSITIVE_INFINITY);
});

test.each([
  ["removed", undefined, ["first"]],
  ["put again", "second", ["first", "second", "second"]],
])(
  "a receiver that is %s while it is retried: nothing more is sent to the old one",
  async (...given) => {
    const [, next, expected] = given;
    const sent: string[] = [];
    let isDown = true;
    const receiverOf = (name: string): Receiver => ({
      key: "push:one",
      send: async () => {
        sent.push(name);
        if (isDown) return { outcome: "retry", reason: "down" };
        user.receivers = next === undefined ? [] : [receiverOf(next)];
        return { outcome: "delivered" };
      },
      forget: () => undefined,
    });
    const user = new NotifiedUser([receiverOf("first")]);
    for (const conversation of ["c1", "c2", "c3"]) await user.notified(conversation);
    isDown = false;
    sent.length = 0;
    await user.pass(MINUTE);
    expect(sent).toEqual(expected);
  },
);
