import { describe, expect, test } from "vitest";
import { person, someone } from "../../support.ts";
import {
  CHATS,
  chatsOf,
  expectInvalid,
  expectRefusal,
  ISO_TIME,
  idsOf,
  infoOf,
  participantsOf,
  people,
  UUID,
} from "./chats.ts";

describe("POST /api/chat", () => {
  test("201 with a new group: the caller is a participant and owns it", async () => {
    const alice = await person("alice", { name: "Alice", claims: { picture: "https://a.test/a" } });
    const bob = await person("bob", { name: "Bob" });
    const answer = await alice.post(CHATS, {
      participantIds: [bob.userId],
      type: "group",
      title: "  Order 7 ",
      metadata: { order: { number: 7 } },
    });
    expect(answer.status).toBe(201);
    const time = expect.stringMatching(ISO_TIME);
    expect(answer.body).toStrictEqual({
      success: true,
      data: {
        chat: {
          _id: expect.stringMatching(UUID),
          type: "group",
          title: "Order 7",
          participants: expect.toSatisfy((list) => list.length === 2),
          createdBy: alice.userId,
          purchaseRequestId: null,
          subject: null,
          metadata: { order: { number: 7 } },
          isArchived: false,
          unreadCount: 0,
          unreadMentions: 0,
          lastMessage: null,
          createdAt: time,
          updatedAt: answer.body.data.chat.createdAt,
        },
      },
    });
    const { participants } = answer.body.data.chat;
    expect(participants).toContainEqual({
      userId: alice.userId,
      name: "Alice",
      avatarUrl: "https://a.test/a",
      role: "owner",
      joinedAt: time,
    });
    expect(participants).toContainEqual({
      userId: bob.userId,
      name: "Bob",
      avatarUrl: null,
      role: "member",
      joinedAt: time,
    });
  });

  test("201 with a direct chat, the default; then 200 with the same one, from either side", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const first = await alice.post(CHATS, { participantIds: [bob.userId] });
    expect(first.status).toBe(201);
    expect(first.body.data.chat).toMatchObject({ type: "direct", title: null });
    expect(participantsOf(first.body.data.chat)).toEqual(idsOf(alice, bob));
    for (const again of [
      await alice.post(CHATS, { participantIds: [bob.userId], type: "direct" }),
      await bob.post(CHATS, { participantIds: [alice.userId, bob.userId, alice.userId] }),
    ]) {
      expect(again.status).toBe(200);
      expect(again.body.data.chat).toEqual(first.body.data.chat);
    }
    expect(await chatsOf(bob)).toHaveLength(1);
  });

  test("201 with a new group each time, also for the same people", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const body = { participantIds: [bob.userId], type: "group" };
    const answers = [await alice.post(CHATS, body), await alice.post(CHATS, body)];
    expect(answers.map((answer) => answer.status)).toEqual([201, 201]);
    expect(new Set(answers.map((answer) => answer.body.data.chat._id)).size).toBe(2);
  });

  test("201 and a direct chat keeps the metadata with which it was created", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    await alice.post(CHATS, { participantIds: [bob.userId], metadata: { from: "alice" } });
    const again = await bob.post(CHATS, {
      participantIds: [alice.userId],
      metadata: { from: "bob" },
    });
    expect(again.body.data.chat.metadata).toEqual({ from: "alice" });
  });

  test("201 with names of 200 characters, null, or blank", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const titled = async (title: unknown) => {
      const body = { participantIds: [bob.userId], type: "group", title };
      return (await alice.post(CHATS, body)).body.data.chat.title;
    };
    expect(await titled("😀".repeat(200))).toBe("😀".repeat(200));
    expect(await titled(null)).toBeNull();
    expect(await titled("  ")).toBeNull();
  });

  test("400 without a second participant", async () => {
    const alice = await person("alice");
    for (const participantIds of [[], [alice.userId], [alice.userId, alice.userId]]) {
      for (const type of ["direct", "group"]) {
        const answer = await alice.post(CHATS, { participantIds, type });
        expectRefusal(answer, 400, "invalid_participants");
      }
    }
  });

  test("400 with a direct chat of three, known or unknown", async () => {
    const [alice, bob, carol] = await people(3);
    if (!alice || !bob || !carol) throw new Error("three people");
    for (const third of [carol.userId, someone("nobody")]) {
      const answer = await alice.post(CHATS, { participantIds: [bob.userId, third] });
      expectRefusal(answer, 400, "invalid_participants");
    }
  });

  test.each([
    [{ participantIds: undefined }, "participantIds"],
    [{ participantIds: "bob" }, "participantIds"],
    [{ participantIds: ["bob", 7] }, "participantIds.1"],
    [{ participantIds: ["bob", ""] }, "participantIds.1"],
    [{ participantIds: ["x".repeat(129)] }, "participantIds.0"],
    [{ participantIds: Array.from({ length: 257 }, (_, i) => `user-${i}`) }, "participantIds"],
    [{ type: "support" }, "type"],
    [{ type: "channel" }, "type"],
    [{ title: "x".repeat(201) }, "title"],
    [{ title: "two\nlines" }, "title"],
    [{ title: 7 }, "title"],
    [{ metadata: "text" }, "metadata"],
    [{ metadata: ["list"] }, "metadata"],
    [{ metadata: { blob: "x".repeat(8 * 1024) } }, "metadata"],
  ])("400 with an invalid body, case %#", async (wrong, path) => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const body = { participantIds: [bob.userId], type: "group", ...wrong };
    expectInvalid(await alice.post(CHATS, body), path);
    expect(await chatsOf(alice)).toEqual([]);
  });

  test("404 with unknown participants, naming them; nothing is created", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const nobody = someone("nobody");
    const direct = await alice.post(CHATS, { participantIds: [nobody] });
    expectRefusal(direct, 404, "unknown_user");
    expect(direct.body.error).toContain(nobody);
    const group = await alice.post(CHATS, { participantIds: [bob.userId, nobody], type: "group" });
    expectRefusal(group, 404, "unknown_user");
    expect(await chatsOf(alice)).toEqual([]);
    expect(await chatsOf(bob)).toEqual([]);
  });

  test("201 and every participant's list contains the chat as in the answer", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const body = { participantIds: [bob.userId], type: "group", metadata: { a: [1] } };
    const { chat } = (await alice.post(CHATS, body)).body.data;
    for (const caller of [alice, bob]) {
      expect(await chatsOf(caller)).toEqual([chat]);
      const { unreadCounts, ...info } = await infoOf(caller, chat._id);
      expect(info).toEqual(chat);
      expect(unreadCounts).toEqual({ [alice.userId]: 0, [bob.userId]: 0 });
    }
  });
});
