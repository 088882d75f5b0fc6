import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { Inbox } from "../../src/inbox/object.ts";
import { inboxOf } from "../inbox/replica.ts";
import { openRooms } from "../inbox/room-client.ts";
import {
  type Caller,
  channelOf,
  directPair,
  groupOf,
  openLive,
  person,
  send,
  someone,
} from "../support.ts";

/** What admins are told of users. */

const USERS = "/api/admin/users";
const admin = () => person("root", { role: "admin" });

async function provisioned(name: string, more: object = {}): Promise<string> {
  const id = someone("p");
  const root = await admin();
  await root.put("/api/users", { users: [{ id, name, ...more }] });
  return id;
}

/** All pages of a list. */
async function pagesOf(root: Caller, path: string, between?: () => Promise<unknown>) {
  const items: { id: string }[] = [];
  let cursor = "";
  for (;;) {
    const { status, body } = await root.get(path + cursor);
    expect(status).toBe(200);
    items.push(...body.items);
    if (body.next === undefined) return items;
    await between?.();
    cursor = `${path.includes("?") ? "&" : "?"}cursor=${body.next}`;
  }
}

describe("who may", () => {
  test.each(["user", "support", "resolver", "service"])("role %s: 403", async (role) => {
    const caller = await person("x", { role });
    const { userId } = await person();
    const id = (await directPair()).conversationId;
    const gets = [
      ...[USERS, `${USERS}/${userId}`, `${USERS}/${userId}/conversations`],
      ...[`${USERS}/${userId}/devices`, `${USERS}/${userId}/connections`],
      ...["/api/admin/conversations", `/api/admin/conversations/${id}`],
      `/api/admin/conversations/${id}/members`,
    ];
    for (const path of gets) {
      const { status, body } = await caller.get(path);
      expect([path, status, body.code]).toEqual([path, 403, "forbidden"]);
    }
    const posts = [
      ...[`conversations/${id}/close`, `conversations/${id}/reopen`],
      ...[`conversations/${id}/messages/read`, `messages/${id}/delete`],
    ];
    for (const path of posts) {
      const { status } = await caller.post(`/api/admin/${path}`, { reason: "x" });
      expect([path, status]).toEqual([path, 403]);
    }
  });

  test("nobody without a token", async () => {
    const { status } = await exports.default.fetch(`https://parley.test${USERS}`);
    expect(status).toBe(401);
  });
});

describe("finding users", () => {
  test("by id, by the beginning of any word, whatever case and accents; blocks hide nobody", async () => {
    const root = await admin();
    const word = `Zoe${crypto.randomUUID().slice(0, 6)}`;
    const ids = [await provisioned(`${word} Äpfel`), await provisioned(`Anna ${word}`)];
    const found = await pagesOf(root, `${USERS}?q=${word.toLowerCase()}`);
    expect(found.map(({ id }) => id)).toEqual(ids);
    const both = (await root.get(`${USERS}?q=${word}%20apf`)).body.items;
    expect(both).toMatchObject([
      { id: ids[0], name: `${word} Äpfel`, bot: false, lastSeenAt: null },
    ]);
    const { userId } = await person("seen");
    const byId = (await root.get(`${USERS}?q=${userId}`)).body.items;
    expect(byId[0]).toMatchObject({ id: userId, role: "user", lastSeenAt: expect.any(String) });
    await root.put("/api/users/blocks", { userId: ids[0] });
    expect((await root.get(`${USERS}?q=${word}`)).body.items).toHaveLength(2);
    expect((await root.get(`${USERS}?q=${someone("nobody")}`)).body.items).toEqual([]);
  });

  test("pages by name are exact while others are added", async () => {
    const root = await admin();
    const word = `Yan${crypto.randomUUID().slice(0, 6)}`;
    const users = Array.from({ length: 7 }, (_, i) => ({
      id: someone(`y${i}`),
      name: `${word} ${i}`,
    }));
    await root.put("/api/users", { users });
    const found = await pagesOf(root, `${USERS}?q=${word}&limit=2`, () =>
      provisioned(`${word} new`),
    );
    const ids = found.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(users.every(({ id }) => ids.includes(id))).toBe(true);
  });

  test("all of them, exact while others are added", async () => {
    const root = await admin();
    const before = new Set<string>();
    const rows = await env.DB.prepare("SELECT id FROM users").all<{ id: string }>();
    for (const { id } of rows.results) before.add(id);
    const found = await pagesOf(root, `${USERS}?limit=50`, () => provisioned("Someone New"));
    const ids = found.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...before].filter((id) => !ids.includes(id))).toEqual([]);
  });

  test.each(["?limit=0", "?limit=51", "?cursor=x", "?q=", `?q=${"a".repeat(201)}`])(
    "400: %s",
    async (query) => {
      const root = await admin();
      expect((await root.get(USERS + query)).status).toBe(400);
    },
  );
});

describe("a user", () => {
  test("profile with roles, ban, counts", async () => {
    const root = await admin();
    const ada = await person("ada", { name: "Ada" });
    const bob = await person("bob");
    await groupOf(ada, bob);
    const left = await channelOf(ada, [bob]);
    await bob.post(`/api/v1/chat/channels/${left}/leave`);
    await bob.put("/api/users/blocks", { userId: ada.userId });
    await root.put("/api/users", { users: [{ id: bob.userId, name: "Bob", role: "support" }] });
    await root.put(`${USERS}/${bob.userId}/ban`, { reason: "spam" });
    const { status, body } = await root.get(`${USERS}/${bob.userId}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ id: bob.userId, name: "Bob", role: "user", provisionedRole: "support", bot: false },
      ban: { bannedBy: root.userId, expiresAt: null, reason: "spam" },
      legalHold: null,
      counts: { conversations: 1, former: 1, files: 0, fileBytes: 0, blocks: 1 },
    });
    await root.delete(`${USERS}/${bob.userId}/ban`, {});
    expect((await root.get(`${USERS}/${bob.userId}`)).body.ban).toBeNull();
  });

  test("conversations, present and former, in pages that are exact while others are added", async () => {
    const [root, ada, bob] = await Promise.all([admin(), person(), person()]);
    const ids = await Promise.all(Array.from({ length: 5 }, () => groupOf(ada, bob)));
    const former = await channelOf(bob, [ada]);
    await ada.post(`/api/v1/chat/channels/${former}/leave`);
    await send(ada, ids[0] ?? "", "private words");
    const path = `${USERS}/${ada.userId}/conversations?limit=2`;
    const found = await pagesOf(root, path, () => groupOf(ada, bob));
    const found_ = found.map(({ id }) => id);
    expect(found_).toEqual(found_.toSorted());
    expect(new Set(found_).size).toBe(found_.length);
    expect([...ids, former].every((id) => found_.includes(id))).toBe(true);
    const of = (id: string) => found.find((one) => one.id === id);
    expect(of(former)).toMatchObject({
      kind: "channel",
      membership: { leftAt: expect.any(String) },
    });
    expect(of(ids[0] ?? "")).toMatchObject({
      ...{ kind: "group", title: "Group", memberCount: 2, messageCount: 1 },
      membership: { role: "owner", leftAt: null },
    });
    expect(JSON.stringify(found)).not.toContain("private words");
  });

  test("connections: sockets with what is open over them, and other places", async () => {
    const root = await admin();
    const { alice, bob, conversationId } = await directPair();
    const before = await root.get(`${USERS}/${alice.userId}/connections`);
    expect(before.body).toEqual({ sockets: [], places: [], placeCount: 0 });
    const inbox = await openRooms(alice);
    inbox.send({ op: "open", id: "open", conversationId });
    await openLive(bob, conversationId);
    await vi.waitFor(async () => {
      const { body } = await root.get(`${USERS}/${alice.userId}/connections`);
      expect(body.sockets).toMatchObject([{ role: "user", conversationIds: [conversationId] }]);
    });
    await vi.waitFor(async () => {
      const { body } = await root.get(`${USERS}/${bob.userId}/connections`);
      expect(body).toMatchObject({
        ...{ sockets: [], placeCount: 1 },
        places: [{ kind: "conversation", conversationId }],
      });
    });
  });

  test("devices: where, and never the address or the keys", async () => {
    const [root, bob] = await Promise.all([admin(), person()]);
    const pair = (await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, [
      "deriveBits",
    ])) as CryptoKeyPair;
    const point = (await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer;
    const p256dh = Buffer.from(point).toString("base64url");
    const endpoint = "https://fcm.googleapis.com/fcm/send/secret-address";
    const auth = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
    const put = await bob.put("/api/push/devices", { endpoint, keys: { p256dh, auth } });
    expect(put.status).toBe(204);
    const { body } = await root.get(`${USERS}/${bob.userId}/devices`);
    expect(body).toEqual({
      items: [{ host: "fcm.googleapis.com", addedAt: expect.any(String), expiresAt: null }],
    });
  });

  test("whoever is not known: 404, and nothing is stored in an inbox of a guessed id", async () => {
    const root = await admin();
    const nobody = someone("nobody");
    for (const rest of ["", "/conversations", "/devices", "/connections"]) {
      const { status, body } = await root.get(`${USERS}/${nobody}${rest}`);
      expect([rest, status, body.code]).toEqual([rest, 404, "user_not_found"]);
    }
    const stored = await runInDurableObject(inboxOf({ userId: nobody } as Caller), (_, context) => {
      const sql =
        "SELECT count(*) AS tables FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\'";
      return context.storage.sql.exec(sql).one();
    });
    expect(stored).toEqual({ tables: 0 });
  });

  test("503 where the inbox runs the previous version, which does not have the method", async () => {
    const [root, bob] = await Promise.all([admin(), person()]);
    vi.spyOn(Inbox.prototype, "profile").mockImplementationOnce(() => {
      throw new Error(`The RPC receiver does not implement the method "profile".`);
    });
    expect((await root.get(`${USERS}/${bob.userId}/devices`)).status).toBe(503);
    expect((await root.get(`${USERS}/${bob.userId}/devices`)).status).toBe(200);
  });
});
