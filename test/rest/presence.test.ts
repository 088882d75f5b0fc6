import { describe, expect, test, vi } from "vitest";
import { directPair, fetchJson, groupOf, openLive, person, someone } from "../support.ts";
import { pathsOf, USERS } from "./requests.ts";

const PRESENCE = `${USERS}/presence`;

describe("GET /users/presence", () => {
  test("200 with those with whom the caller shares a conversation, in every list form", async () => {
    const [alice, bob, carol] = [await person("alice"), await person("bob"), await person("carol")];
    const conversationId = await groupOf(alice, bob);
    const stranger = await person("stranger");
    await openLive(bob, conversationId);
    const offline = { id: carol.userId, online: false, lastSeenAt: null };
    const online = { id: bob.userId, online: true, lastSeenAt: null };
    await groupOf(alice, carol);
    const ids = [bob, carol, stranger].map(({ userId }) => userId);
    for (const query of [`ids=${ids.join()}`, ids.map((id) => `ids=${id}`).join("&")]) {
      await vi.waitFor(async () => {
        const { status, body } = await alice.get(`${PRESENCE}?${query},${someone()},${ids[0]}`);
        expect(status).toBe(200);
        expect(body).toStrictEqual({ users: [online, offline] });
      });
    }
    expect((await stranger.get(`${PRESENCE}?ids=${ids.join()}`)).body).toStrictEqual({ users: [] });
  });

  test("200 for an id that is a UUID in upper case", async () => {
    const alice = await person("alice");
    const [id, host] = [crypto.randomUUID(), await person("admin", { role: "admin" })];
    await host.put(USERS, { users: [{ id }] });
    await alice.post("/api/v1/chat/conversations/direct", { otherUserId: id });
    const { body } = await alice.get(`${PRESENCE}?ids=${id.toUpperCase()}`);
    expect(body.users).toEqual([{ id, online: false, lastSeenAt: null }]);
  });

  test("an admin sees those with whom they share a conversation only", async () => {
    const { alice } = await directPair();
    const admin = await person("admin", { role: "admin" });
    expect((await admin.get(`${PRESENCE}?ids=${alice.userId}`)).body).toEqual({ users: [] });
  });

  test.each([
    ["no ids", ""],
    ["empty ids", "?ids="],
    ["an id that is not printable", "?ids=a%00"],
    ["101 ids", `?ids=${Array.from({ length: 101 }, (_, i) => i).join()}`],
  ])("400 with %s", async (_, query) => {
    const alice = await person("alice");
    const answer = await alice.get(PRESENCE + query);
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_request"]);
    expect(pathsOf(answer)[0]).toMatch(/^ids/);
  });

  test("401 without a token", async () => {
    expect((await fetchJson(`${PRESENCE}?ids=a`)).status).toBe(401);
  });
});
