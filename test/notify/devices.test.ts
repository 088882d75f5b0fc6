import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Inbox } from "../../src/inbox/object.ts";
import { MAX_DEVICES } from "../../src/notify/push/devices.ts";
import { inboxOf } from "../inbox/replica.ts";
import { moveClock, stopClock, usedBy } from "../inbox/watching.ts";
import { fetchWith, raw } from "../rest/requests.ts";
import { type Caller, person } from "../support.ts";
import { Browser, DEVICES, notificationWith, notify, PUSH, withReceivers } from "./browser.ts";

/** Which browsers of a user are notified: over REST, and what is stored of them. */

const DAY = 24 * 60 * 60_000;
/** Of a token that outlives a moved clock. */
const DAYS = { expiresIn: 3 * 24 * 3_600 };

/** The endpoints that a user's inbox has stored, oldest first. */
function stored(person: Caller): Promise<unknown[]> {
  return runInDurableObject(inboxOf(person), (_, { storage: { sql } }) => {
    const isThere = "SELECT 1 FROM sqlite_master WHERE name = 'push_devices'";
    if (sql.exec(isThere).toArray().length === 0) return [];
    return sql
      .exec("SELECT endpoint FROM push_devices ORDER BY at")
      .toArray()
      .map(({ endpoint }) => endpoint);
  });
}

const endpointOf = ({ subscription }: Browser) => subscription.endpoint;

describe("GET /api/push/key", () => {
  test("is a point of P-256, and the same at any time", async () => {
    const bob = await person("bob");
    const { status, body } = await bob.get(`${PUSH}/key`);
    expect(status).toBe(200);
    const point = Buffer.from(body.key, "base64url");
    const curve = { name: "ECDH", namedCurve: "P-256" };
    await crypto.subtle.importKey("raw", point, curve, false, []);
    expect((await bob.get(`${PUSH}/key`)).body).toEqual(body);
  });

  test.each([undefined, "", " "])("404 without a key: %j", async (VAPID_PRIVATE_KEY) => {
    const bob = await person("bob");
    const without = { VAPID_PRIVATE_KEY };
    const answers = [
      await fetchWith(without, `${PUSH}/key`, raw(bob, "GET")),
      await fetchWith(
        without,
        DEVICES,
        raw(bob, "PUT", JSON.stringify((await Browser.of(bob)).subscription)),
      ),
    ];
    for (const { status, body } of answers) {
      expect(status).toBe(404);
      expect(body).toEqual({ error: expect.any(String), code: "push_not_configured" });
    }
    const removal = raw(bob, "DELETE", JSON.stringify({ endpoint: "https://push.test/1" }));
    expect((await fetchWith(without, DEVICES, removal)).status).toBe(204);
  });
});

describe("a device", () => {
  test("is kept: the inbox may be evicted", async () => {
    const bob = await person("bob");
    const browser = await Browser.registered(bob);
    await evictDurableObject(inboxOf(bob));
    expect(await notify(bob, notificationWith())).toEqual([{ outcome: "delivered" }]);
    expect((await browser.accepted()).length).toBe(1);
  });

  test("is removed by its endpoint, any number of times, and by its user alone", async () => {
    const [bob, eve] = [await person("bob"), await person("eve")];
    const [browser, other] = [await Browser.registered(bob), await Browser.registered(bob)];
    const { endpoint } = browser.subscription;
    expect((await eve.delete(DEVICES, { endpoint })).status).toBe(204);
    expect((await stored(bob)).length).toBe(2);
    for (let i = 0; i < 2; i++) {
      expect((await bob.delete(DEVICES, { endpoint })).status).toBe(204);
      expect(await stored(bob)).toEqual([endpointOf(other)]);
    }
    await notify(bob, notificationWith());
    expect(await browser.requests()).toEqual([]);
    expect((await other.accepted()).length).toBe(1);
  });

  test(`is one of ${MAX_DEVICES} at most: the oldest is replaced`, async () => {
    stopClock();
    const bob = await person("bob", DAYS);
    const browsers: Browser[] = [];
    for (let i = 0; i < MAX_DEVICES; i++) browsers.push(await Browser.registered(bob));
    const [first, second, ...others] = browsers;
    if (!first || !second) throw new Error("too few");
    moveClock(DAY);
    // Put again, it is the newest.
    await first.register(bob);
    const newest = await Browser.registered(bob);
    const expected = [...others, first, newest].map(endpointOf);
    expect(await stored(bob)).toEqual(expected);
    expect(await withReceivers(bob, (receivers) => receivers.length)).toBe(MAX_DEVICES);
    await evictDurableObject(inboxOf(bob));
    expect(await withReceivers(bob, (receivers) => receivers.length)).toBe(MAX_DEVICES);
    expect(await stored(bob)).toEqual(expected);
  });

  test("has new keys when it is put again with them", async () => {
    const bob = await person("bob");
    const [browser, other] = [await Browser.registered(bob), await Browser.of(bob)];
    // The same endpoint with keys of another browser: this one cannot read it.
    const { keys } = other.subscription;
    expect((await bob.put(DEVICES, { ...browser.subscription, keys })).status).toBe(204);
    expect(await stored(bob)).toEqual([endpointOf(browser)]);
    await notify(bob, notificationWith());
    expect(await browser.requests()).toMatchObject([{ status: 400 }]);
    await browser.register(bob);
    expect(await notify(bob, notificationWith())).toEqual([{ outcome: "delivered" }]);
  });

  test("that is forgotten while it is put again stays", async () => {
    const bob = await person("bob");
    const [browser, other] = [await Browser.registered(bob), await Browser.of(bob)];
    const { keys } = other.subscription;
    await runInDurableObject(inboxOf(bob), async (inbox) => {
      const [receiver] = inbox["notifications"].devices.receivers();
      inbox.putPushDevice({ endpoint: endpointOf(browser), keys });
      receiver?.forget();
    });
    expect(await stored(bob)).toEqual([endpointOf(browser)]);
    await withReceivers(bob, ([receiver]) => receiver?.forget());
    expect(await stored(bob)).toEqual([]);
    await evictDurableObject(inboxOf(bob));
    expect(await withReceivers(bob, (receivers) => receivers)).toEqual([]);
  });

  test("is not sent to after its expirationTime, and then makes room", async () => {
    stopClock();
    const bob = await person("bob");
    const [browser, other] = [await Browser.of(bob), await Browser.of(bob)];
    const expirationTime = Date.now() + 1_000;
    const expiring = { ...browser.subscription, expirationTime };
    expect((await bob.put(DEVICES, expiring)).status).toBe(204);
    moveClock(999);
    expect(await notify(bob, notificationWith())).toEqual([{ outcome: "delivered" }]);
    moveClock(1);
    expect(await notify(bob, notificationWith())).toEqual([]);
    await other.register(bob);
    expect(await stored(bob)).toEqual([endpointOf(other)]);
  });

  test("has a key that names neither its endpoint nor another device", async () => {
    const [bob, ada] = [await person("bob"), await person("ada")];
    const browsers = [await Browser.registered(bob), await Browser.registered(bob)];
    const keysOf = (one: Caller) =>
      withReceivers(one, (receivers) => receivers.map(({ key }) => key));
    const keys = await keysOf(bob);
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) expect(key).toMatch(/^push:[\w-]{16}$/);
    for (const browser of browsers) await browser.register(ada);
    expect(await keysOf(ada)).toEqual(keys);
  });
});

test("what devices cost: nothing without any, a row each, none for one that has not changed", async () => {
  stopClock();
  const bob = await person("bob", DAYS);
  const none = await usedBy(bob, async () => {
    await withReceivers(bob, (receivers) => receivers);
    await bob.delete(DEVICES, { endpoint: "https://fcm.googleapis.com/1" });
  });
  expect(none).toMatchObject({ rowsWritten: 0, alarms: 0 });
  const [browser] = [await Browser.registered(bob), await Browser.registered(bob)];
  const rows = async (action: () => Promise<unknown>) => (await usedBy(bob, action)).rowsWritten;
  expect(await rows(() => browser.register(bob))).toBe(0);
  const third = await Browser.of(bob);
  expect(await rows(() => third.register(bob))).toBe(1);
  expect(await rows(() => notify(bob, notificationWith()))).toBe(0);
  moveClock(DAY);
  expect(await rows(() => browser.register(bob))).toBe(1);
  expect(await rows(() => bob.delete(DEVICES, { endpoint: endpointOf(third) }))).toBe(1);
  for (let size = 2; size < MAX_DEVICES; size++) await Browser.registered(bob);
  const eleventh = await Browser.of(bob);
  expect(await rows(() => eleventh.register(bob))).toBe(2);
});

test("503 from an inbox of the version before, which has no devices", async () => {
  const bob = await person("bob");
  const { subscription } = await Browser.of(bob);
  const methods = ["putPushDevice", "removePushDevice"].map(
    (name) => [name, Object.getOwnPropertyDescriptor(Inbox.prototype, name)] as const,
  );
  for (const [name] of methods) Reflect.deleteProperty(Inbox.prototype, name);
  onTestFinished(() => {
    for (const [name, method] of methods) {
      if (method) Object.defineProperty(Inbox.prototype, name, method);
    }
  });
  for (const { status, body } of [
    await bob.put(DEVICES, subscription),
    await bob.delete(DEVICES, { endpoint: subscription.endpoint }),
  ]) {
    expect({ status, code: body.code }).toEqual({ status: 503, code: "unavailable" });
  }
});

describe("a malformed subscription is refused, and its endpoint not repeated", async () => {
  const bob = await person("bob");
  const { subscription } = await Browser.of(bob);
  const { keys } = subscription;
  const secret = "secret-of-the-endpoint";
  const at = (endpoint: string) => ({ ...subscription, endpoint });
  // On the curve is y² = x³ - 3x + b: not for these coordinates.
  const offCurve = Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)]).toString("base64url");

  test.each([
    ["nothing", {}, "endpoint"],
    ["no endpoint", { keys }, "endpoint"],
    ["an empty endpoint", at(""), "endpoint"],
    ["an endpoint that is no address", at(secret), "endpoint"],
    ["another scheme", at(`ftp://fcm.googleapis.com/${secret}`), "endpoint"],
    ["plain http", at(`http://fcm.googleapis.com/${secret}`), "endpoint"],
    ["a host that is not listed", at(`https://push.test/${secret}`), "endpoint"],
    ["an address of a network", at(`https://169.254.169.254/${secret}`), "endpoint"],
    ["credentials", at(`https://a:b@fcm.googleapis.com/${secret}`), "endpoint"],
    ["another port", at(`https://fcm.googleapis.com:8443/${secret}`), "endpoint"],
    [
      "a long endpoint",
      at(`https://fcm.googleapis.com/${secret}/${"x".repeat(2_048)}`),
      "endpoint",
    ],
    ["no keys", { endpoint: subscription.endpoint }, "keys"],
    ["no p256dh", { ...subscription, keys: { auth: keys.auth } }, "keys.p256dh"],
    ["no auth", { ...subscription, keys: { p256dh: keys.p256dh } }, "keys.auth"],
    ["a short auth", { ...subscription, keys: { ...keys, auth: "AAAA" } }, "keys.auth"],
    [
      "a p256dh that is no base64",
      { ...subscription, keys: { ...keys, p256dh: "?".repeat(87) } },
      "keys.p256dh",
    ],
    [
      "a p256dh off the curve",
      { ...subscription, keys: { ...keys, p256dh: offCurve } },
      "keys.p256dh",
    ],
    [
      "a compressed p256dh",
      { ...subscription, keys: { ...keys, p256dh: "A".repeat(44) } },
      "keys.p256dh",
    ],
    ["an expired one", { ...subscription, expirationTime: 1 }, "expirationTime"],
    [
      "an expirationTime that is text",
      { ...subscription, expirationTime: "soon" },
      "expirationTime",
    ],
  ])("%s", async (_, given, path) => {
    const { status, body } = await bob.put(DEVICES, given);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "invalid_request" });
    expect(body.details.map((one: { path: string }) => one.path)).toContain(path);
    expect(JSON.stringify(body)).not.toContain(secret);
    expect(await stored(bob)).toEqual([]);
  });

  test("what browsers add, and either alphabet of base64, is accepted", async () => {
    const ada = await person("ada");
    const browser = await Browser.of(ada);
    const { endpoint, keys } = browser.subscription;
    const plain = (text: string) => Buffer.from(text, "base64url").toString("base64");
    const given = { auth: plain(keys.auth), p256dh: plain(keys.p256dh), other: "x" };
    expect((await ada.put(DEVICES, { endpoint, keys: given, options: {} })).status).toBe(204);
    expect(await notify(ada, notificationWith())).toEqual([{ outcome: "delivered" }]);
  });
});

test("a device whose host is no longer listed gets nothing, and stays", async () => {
  const bob = await person("bob");
  await Browser.registered(bob);
  await runInDurableObject(inboxOf(bob), (_, { storage }) => {
    storage.sql.exec("UPDATE push_devices SET endpoint = 'https://push.test/1'");
  });
  await evictDurableObject(inboxOf(bob));
  const fetched = vi.spyOn(globalThis, "fetch");
  const deliveries = await notify(bob, notificationWith());
  expect(fetched).not.toHaveBeenCalled();
  fetched.mockRestore();
  expect(deliveries).toEqual([
    { outcome: "refused", reason: expect.stringContaining("not an address of a push service") },
  ]);
});
