import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { fetchWith, NOBODYS } from "../rest/requests.ts";
import { directPair, groupOf, objectOf, open, person, type Socket } from "../support.ts";

/** How often one user can open native sockets to a conversation. */

/** How many upgrades reach the object of a conversation during `work`. */
async function upgradesWithin(conversationId: string, action: () => Promise<void>) {
  let upgrades = 0;
  await runInDurableObject(objectOf(conversationId), (object) => {
    const fetch = object.fetch.bind(object);
    object.fetch = (request: Request) => {
      upgrades++;
      return fetch(request);
    };
  });
  await action();
  return upgrades;
}

/** Opens a socket and closes it; returns the close event if the server closed it. */
async function visit(...given: Parameters<typeof open>): Promise<Socket> {
  const socket = await open(...given);
  await socket.until(() => socket.events.length > 0);
  if (socket.events[0]?.type === "hello") socket.close(1_000);
  await socket.closed;
  return socket;
}

test("30 a minute and conversation; further ones are closed with 1013, without a call of the object", async () => {
  const { alice, bob, conversationId } = await directPair();
  const refused: Socket[] = [];
  let opened = 0;
  const upgrades = await upgradesWithin(conversationId, async () => {
    // Once, a new minute may begin in between.
    while (refused.length === 0 && opened <= 60) {
      const socket = await visit(alice, conversationId);
      if (socket.events[0]?.type === "error") refused.push(socket);
      else opened++;
    }
  });
  expect(opened).toBeGreaterThanOrEqual(30);
  expect(upgrades).toBe(opened);
  const [socket] = refused;
  expect(await socket?.closed).toMatchObject({ code: 1_013 });
  expect(socket?.events).toEqual([
    {
      type: "error",
      code: "rate_limited",
      message: expect.any(String),
      retryAfterMs: 60_000,
    },
  ]);
  expect(socket?.response.headers.get("Sec-WebSocket-Protocol")).toBe("parley.v1");
  // Other users and other conversations are not affected.
  expect((await visit(bob, conversationId)).events[0]?.type).toBe("hello");
  const group = await groupOf(alice, bob, await person());
  expect((await visit(alice, group)).events[0]?.type).toBe("hello");
});

test("unknown conversations count as well, admins are exempt, and each user has a separate limit", async () => {
  const counted: string[] = [];
  const limiter = {
    limit: async ({ key }: { key: string }) => ({ success: counted.push(key) > 1_000 }),
  };
  const upgrade = async (token: string, changes: object) => {
    const headers = { Upgrade: "websocket", Authorization: `Bearer ${token}` };
    await fetchWith({ LIMIT_UPGRADES: limiter, ...changes }, `/live/${NOBODYS}`, { headers });
  };
  const [alice, admin] = [await person(), await person("admin", { role: "admin" })];
  await upgrade(alice.token, {});
  await upgrade(admin.token, {});
  await upgrade(alice.token, { REQUEST_LIMITS: "off" });
  await upgrade("nonsense", {});
  expect(counted).toEqual([`${alice.userId} ${NOBODYS}`]);
});
