import {
  createExecutionContext,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { createApp } from "../../src/app.ts";
import { envWith } from "../rest/requests.ts";
import { ORIGIN, person } from "../support.ts";
import { get, type Hub, Io } from "./line.ts";

/** What a connection's object has stored. */
function storedBy(object: Io["object"] | Hub["object"]) {
  return runInDurableObject(object as Io["object"], async (_, { storage }) => ({
    keys: (await storage.list()).size,
    tables: storage.sql.exec("SELECT name FROM sqlite_master").toArray().length,
    alarm: await storage.getAlarm(),
  }));
}

const NOTHING = { keys: 0, tables: 0, alarm: null };

test("nothing is stored for an unauthenticated connection", async () => {
  const stranger = await Io.open();
  expect(await storedBy(stranger.object)).toEqual(NOTHING);
  stranger.line.say('40{"token":"not a token"}');
  await stranger.line.receives((text) => text.startsWith("44"));
  expect(await storedBy(stranger.object)).toEqual(NOTHING);

  const known = await Io.connect(await person("alice"));
  expect(await storedBy(known.object)).not.toEqual(NOTHING);
});

test("a closed connection leaves nothing in storage, however it was closed", async () => {
  const ends: ((io: Io) => unknown)[] = [
    (io) => io.line.socket.close(),
    (io) => io.line.say("41"),
    (io) => io.line.say("no packet"),
    // The close event was lost: the heartbeat finds out.
    async (io) => {
      await evictDurableObject(io.object, { webSockets: "close" });
      await runDurableObjectAlarm(io.object);
    },
  ];
  for (const end of ends) {
    const io = await Io.connect(await person("alice"));
    await vi.waitFor(async () => expect((await storedBy(io.object)).alarm).not.toBeNull());
    await end(io);
    await vi.waitFor(async () => expect(await storedBy(io.object)).toEqual(NOTHING));
  }
});

const UPGRADE = { Upgrade: "websocket" };

test("requests of a closed session, or to an evicted object, store nothing", async () => {
  const io = await Io.connect(await person("alice"));
  io.line.socket.close();
  await vi.waitFor(async () => expect(await storedBy(io.object)).toEqual(NOTHING));
  const session = `/socket.io/?EIO=4&sid=${io.sid}`;
  const requests = [
    () => get(`${session}&transport=polling`),
    () => get(`${session}&transport=polling`, {}, { method: "POST", body: "40" }),
    () => get(`${session}&transport=websocket`, UPGRADE),
  ];
  for (const evicted of [false, true]) {
    for (const request of requests) {
      if (evicted) await evictDurableObject(io.object);
      const response = await request();
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ code: 1, message: "Session ID unknown" });
      expect(await storedBy(io.object)).toEqual(NOTHING);
    }
  }
});

test.each([
  ["open", "GET", "/socket.io/?EIO=4&transport=polling", {}, 200],
  ["open", "GET", "/socket.io/?EIO=4&transport=websocket", UPGRADE, 101],
  ["negotiate", "POST", "/hubs/chat/negotiate?negotiateVersion=1", {}, 200],
  ["open", "GET", "/hubs/chat", UPGRADE, 101],
  // An id can be used again after its connection closed, so every attempt to open is counted.
  ["open", "GET", `/hubs/chat?id=${"a".repeat(20)}.${"b".repeat(20)}`, UPGRADE, 404],
])("an address may %s a limited number of connections a minute: %s %s", async (...given) => {
  const [what, method, path, headers, status] = given;
  const { token } = await person("alice");
  const asked: string[] = [];
  const limiter = {
    limit: async ({ key }: { key: string }) => {
      asked.push(key);
      return { success: asked.filter((one) => one === key).length <= 2 };
    },
  };
  const connect = async (address: string) => {
    const context = createExecutionContext();
    const request = new Request(ORIGIN + path, {
      method,
      headers: { Authorization: `Bearer ${token}`, "CF-Connecting-IP": address, ...headers },
    });
    const changes = { REQUEST_LIMITS: "on", LIMIT_CONNECTIONS: limiter };
    const response = await createApp().fetch(request, envWith(changes), context);
    await response.text();
    response.webSocket?.accept();
    response.webSocket?.close();
    await waitOnExecutionContext(context);
    return response.status;
  };
  expect([await connect("192.0.2.1"), await connect("192.0.2.1")]).toEqual([status, status]);
  expect(await connect("192.0.2.1")).toBe(429);
  expect(await connect("192.0.2.2")).toBe(status);
  const addresses = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"];
  expect(asked).toEqual(addresses.map((address) => `${what} ${address}`));
});
