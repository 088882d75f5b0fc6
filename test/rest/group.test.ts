import { describe, expect, test } from "vitest";
import { open, person, someone } from "../support.ts";
import { CONVERSATIONS, entryOf, GROUP, pathsOf, UUID } from "./requests.ts";

describe("POST /conversations/group", () => {
  test("201, a new one each time, including the creator", async () => {
    const [alice, bob, carol] = await Promise.all([
      person("alice"),
      person("bob"),
      person("carol"),
    ]);
    const body = { title: "Team", participantIds: [bob.userId, carol.userId] };
    const [first, second] = [await alice.post(GROUP, body), await alice.post(GROUP, body)];
    expect(first.status).toBe(201);
    expect(first.body).toEqual({ conversationId: expect.stringMatching(UUID) });
    expect(second.body.conversationId).not.toBe(first.body.conversationId);
    for (const member of [alice, bob, carol]) {
      const entry = await entryOf(member, first.body.conversationId);
      expect(entry).toMatchObject({ type: "Group", title: "Team" });
      expect(entry.participantIds.sort()).toEqual([alice.userId, bob.userId, carol.userId].sort());
    }
  });

  test.each([
    ["no title", {}, null],
    ["null", { title: null }, null],
    ["an empty title", { title: "" }, null],
    ["white space", { title: "  \t " }, null],
    ["white space around a title", { title: "  Team " }, "Team"],
    ["200 characters", { title: "😀".repeat(200) }, "😀".repeat(200)],
  ])("201 with %s", async (_, more, title) => {
    const [alice, bob, carol] = await Promise.all([person(), person(), person()]);
    const participantIds = [bob.userId, carol.userId];
    const answer = await alice.post(GROUP, { ...more, participantIds });
    expect(answer.status).toBe(201);
    expect((await entryOf(bob, answer.body.conversationId)).title).toBe(title);
  });

  test("201 when the creator is one of two participants, or a participant is repeated", async () => {
    const [alice, bob] = await Promise.all([person(), person()]);
    const { userId } = alice;
    for (const participantIds of [
      [userId, bob.userId],
      [bob.userId, userId, bob.userId],
    ]) {
      const answer = await alice.post(GROUP, { participantIds });
      expect(answer.status).toBe(201);
      const { participantIds: members } = await entryOf(alice, answer.body.conversationId);
      expect(members.sort()).toEqual([userId, bob.userId].sort());
      const { you, conversation } = await (await open(alice, answer.body.conversationId)).next(
        "hello",
      );
      expect(you.role).toBe("owner");
      expect(conversation.memberCount).toBe(2);
    }
  });

  test("400 with fewer than two different participants", async () => {
    const [alice, bob] = await Promise.all([person(), person()]);
    for (const participantIds of [[], [bob.userId], [bob.userId, bob.userId], undefined, null]) {
      const answer = await alice.post(GROUP, { participantIds });
      expect(answer.status).toBe(400);
      expect(pathsOf(answer)).toEqual(["participantIds"]);
    }
  });

  test("400 with unknown users, naming only these", async () => {
    const [alice, bob] = await Promise.all([person(), person()]);
    const [one, other] = [someone("ghost"), someone("ghost")];
    const answer = await alice.post(GROUP, { participantIds: [one, bob.userId, other] });
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe("unknown_user");
    expect(answer.body.error).toContain(one);
    expect(answer.body.error).toContain(other);
    expect(answer.body.error).not.toContain(bob.userId);
    expect((await bob.get(CONVERSATIONS)).body).toEqual([]);
  });

  test("400 with a title that is too long, not a string, or has control characters", async () => {
    const [alice, bob, carol] = await Promise.all([person(), person(), person()]);
    const participantIds = [bob.userId, carol.userId];
    for (const title of ["x".repeat(201), 7, ["Team"], "Te\u0000am", "\u0007Team"]) {
      const answer = await alice.post(GROUP, { title, participantIds });
      expect(answer.status, JSON.stringify(title)).toBe(400);
      expect(pathsOf(answer)).toEqual(["title"]);
    }
  });

  test("400 with control characters around a title, as for a message's text", async () => {
    const [alice, bob, carol] = await Promise.all([person(), person(), person()]);
    const participantIds = [bob.userId, carol.userId];
    for (const title of ["\u000bTeam", "Team\u000c"]) {
      const answer = await alice.post(GROUP, { title, participantIds });
      expect(answer.status, JSON.stringify(title)).toBe(400);
    }
  });

  test.each(["\n", "\r\n", "\r"])("a title has one line; a trailing %j is removed", async (end) => {
    const [alice, bob, carol] = await Promise.all([person(), person(), person()]);
    const participantIds = [bob.userId, carol.userId];
    const { body, status } = await alice.post(GROUP, { title: `Team${end}`, participantIds });
    expect(status).toBe(201);
    expect((await entryOf(alice, body.conversationId)).title).toBe("Team");
    const answer = await alice.post(GROUP, { title: `Te${end}am`, participantIds });
    expect(answer.body.details).toEqual([{ path: "title", message: "only one line" }]);
  });

  test("400 with an invalid participant id, naming it", async () => {
    const [alice, bob] = await Promise.all([person(), person()]);
    for (const wrong of ["", 7, null, "c\nc"]) {
      const answer = await alice.post(GROUP, { participantIds: [bob.userId, "carol", wrong] });
      expect(answer.status).toBe(400);
      expect(pathsOf(answer)).toEqual(["participantIds.2"]);
    }
  });

  test("201 with 256 participants, 400 with 257", async () => {
    const admin = await person("admin", { role: "admin" });
    const ids = Array.from({ length: 257 }, (_, i) => someone(`crowd-${i}`));
    await admin.put("/api/users", { users: ids.map((id) => ({ id })) });
    const most = await admin.post(GROUP, { participantIds: ids.slice(0, 256) });
    expect(most.status).toBe(201);
    expect((await entryOf(admin, most.body.conversationId)).participantIds).toHaveLength(257);
    expect((await admin.post(GROUP, { participantIds: ids })).status).toBe(400);
  });
});
