import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import {
  channelOf,
  directPair,
  groupOf,
  objectOf,
  openLive,
  person,
  send,
  someone,
  unreadOf,
} from "../../support.ts";
import { entryOf, NOBODYS, page, pathsOf } from "../requests.ts";
import {
  add,
  expectError,
  expectUnauthenticated,
  NOWHERE,
  newest,
  participants,
  remove,
  sent,
} from "./client.ts";

/** A group of Alice, who owns it, Bob and Carol; Dave is not a member. */
async function fourPeople() {
  const [alice, bob, carol, dave] = await Promise.all([
    person("alice"),
    person("bob"),
    person("carol"),
    person("dave", { name: "Dave" }),
  ]);
  return { alice, bob, carol, dave, group: await groupOf(alice, bob, carol) };
}

describe("POST /conversations/{id}/participants", () => {
  test("200, and all members see the new one", async () => {
    const { alice, bob, carol, dave, group } = await fourPeople();
    const answer = await add(alice, group, dave);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: "Participant added successfully" });
    const all = [alice, bob, carol, dave].map(({ userId }) => userId).sort();
    for (const member of [alice, bob, carol, dave]) {
      const entry = await entryOf(member, group);
      expect(entry.participantIds.sort()).toEqual(all);
    }
    expect((await send(dave, group, "hello")).status).toBe(201);
  });

  test("200, and the new member sees the history, with nothing unread", async () => {
    const { alice, dave, group } = await fourPeople();
    await sent(alice, group, "before Dave");
    await add(alice, group, dave);
    const history = await page(dave, group);
    expect(history.body.items.at(-1).content).toBe("before Dave");
    expect(await unreadOf(dave, group)).toBe(0);
    await sent(alice, group, "after");
    expect(await unreadOf(dave, group)).toBe(1);
    expect((await entryOf(dave, group)).unreadCount).toBe(1);
  });

  test("200 for a former member: messages sent in between are not unread", async () => {
    const { alice, bob, group } = await fourPeople();
    await sent(alice, group, "unread when Bob went");
    await remove(bob, group, bob);
    await sent(alice, group, "meanwhile");
    expect((await add(alice, group, bob)).status).toBe(200);
    expect(await unreadOf(bob, group)).toBe(0);
    expect((await entryOf(bob, group)).unreadCount).toBe(0);
    expect((await page(bob, group)).body.totalCount).toBe(4);
  });

  test("400 for a conversation that is not a group", async () => {
    const { alice, conversationId } = await directPair();
    const dave = await person("dave");
    expectError(await add(alice, conversationId, dave), 400, "not_a_group");
    expectError(await add(alice, await channelOf(alice), dave), 400, "not_a_group");
  });

  test("400 for a member, and for an unknown user", async () => {
    const { alice, bob, group } = await fourPeople();
    expectError(await add(alice, group, bob), 400, "already_a_member");
    expectError(await add(alice, group, alice), 400, "already_a_member");
    expectError(await add(alice, group, { userId: someone() }), 400, "unknown_user");
  });

  test.each([
    ["missing", {}],
    ["empty", { participantId: "" }],
    ["not a string", { participantId: 7 }],
    ["longer than 128 characters", { participantId: "x".repeat(129) }],
  ])("400 for a participantId that is %s", async (_, body) => {
    const { alice, group } = await fourPeople();
    const answer = await alice.post(participants(group), body);
    expectError(answer, 400, "invalid_request");
    expect(pathsOf(answer)).toEqual(["participantId"]);
  });

  test("400 for a group with a thousand members", async () => {
    const { alice, dave, group } = await fourPeople();
    await runInDurableObject(objectOf(group), (_, { storage }) => {
      storage.sql.exec("UPDATE counters SET member_count = 1000");
    });
    await evictDurableObject(objectOf(group));
    expectError(await add(alice, group, dave), 400, "group_full");
  });

  test("401 without a valid token", () => expectUnauthenticated("POST", participants(NOBODYS)));

  test("403 for strangers and for members who are not the owner, regardless of roles", async () => {
    const { alice, bob, dave, group } = await fourPeople();
    expectError(await add(dave, group, dave), 403, "not_a_member");
    expectError(await add(bob, group, dave), 403, "forbidden");
    const admin = await person("admin", { role: "admin" });
    expectError(await add(admin, group, admin), 403, "not_a_member");
    expect((await entryOf(alice, group)).participantIds).toHaveLength(3);
  });

  test("404 for an id that names no conversation", async () => {
    const { alice, bob, group } = await fourPeople();
    const messageId = await sent(alice, group);
    for (const id of [...NOWHERE, messageId]) {
      expectError(await add(alice, id, bob), 404, "conversation_not_found");
    }
  });
});

describe("DELETE /conversations/{id}/participants/{participantId}", () => {
  test("200, and the removed user has no access", async () => {
    const { alice, bob, carol, group } = await fourPeople();
    const messageId = await sent(alice, group);
    const answer = await remove(alice, group, bob);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: "Participant removed successfully" });
    expect(await entryOf(bob, group)).toBeUndefined();
    expect((await entryOf(carol, group)).participantIds).not.toContain(bob.userId);
    expectError(await page(bob, group), 403, "not_a_member");
    expectError(await send(bob, group, "still here"), 403, "not_a_member");
    expectError(await bob.post(`/api/v1/chat/messages/${messageId}/read`), 403, "not_a_member");
  });

  test("200 for removing oneself", async () => {
    const { bob, carol, group } = await fourPeople();
    expect((await remove(bob, group, bob)).status).toBe(200);
    expect(await entryOf(bob, group)).toBeUndefined();
    expect((await newest(carol, group)).content).toBe(`${bob.userId} left`);
  });

  test("200 for an id with characters that are special in URLs", async () => {
    const { alice, bob, carol } = await fourPeople();
    const odd = `${someone("a/b")}?ü#%41 c`;
    const admin = await person("admin", { role: "admin" });
    await admin.put("/api/users", { users: [{ id: odd }] });
    const group = await groupOf(alice, bob, carol);
    expect((await add(alice, group, { userId: odd })).status).toBe(200);
    expect((await remove(alice, group, { userId: odd })).status).toBe(200);
  });

  test("400 for a conversation that is not a group", async () => {
    const { alice, bob, conversationId } = await directPair();
    expectError(await remove(alice, conversationId, bob), 400, "not_a_group");
    expectError(await remove(alice, conversationId, alice), 400, "not_a_group");
  });

  test("400 when fewer than two would remain, whoever is removed", async () => {
    const { alice, bob, carol, group } = await fourPeople();
    await remove(alice, group, carol);
    expectError(await remove(alice, group, bob), 400, "too_few_members");
    expectError(await remove(bob, group, bob), 400, "too_few_members");
    expectError(await remove(alice, group, alice), 400, "too_few_members");
    expect((await entryOf(bob, group)).participantIds).toHaveLength(2);
  });

  test("401 without a valid token", () =>
    expectUnauthenticated("DELETE", participants(NOBODYS, "somebody")));

  test("403 for strangers, and for members who remove another member", async () => {
    const { bob, carol, dave, group } = await fourPeople();
    expectError(await remove(bob, group, carol), 403, "forbidden");
    expectError(await remove(dave, group, carol), 403, "not_a_member");
    expectError(await remove(dave, group, dave), 403, "not_a_member");
    const c = await openLive(carol, group);
    expect(c.all("sync")[0]?.members).toHaveLength(3);
  });

  test("404 for users who are not, or no longer, members, and for an unknown id", async () => {
    const { alice, bob, dave, group } = await fourPeople();
    expectError(await remove(alice, group, dave), 404, "participant_not_found");
    expectError(await remove(alice, group, { userId: someone() }), 404, "participant_not_found");
    await remove(alice, group, bob);
    expectError(await remove(alice, group, bob), 404, "participant_not_found");
    for (const id of NOWHERE) {
      expectError(await remove(alice, id, bob), 404, "conversation_not_found");
    }
  });
});
