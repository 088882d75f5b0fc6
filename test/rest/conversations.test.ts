import { describe, expect, test } from "vitest";
import { Caller, person, tokenFor } from "../support.ts";
import { CONVERSATIONS, DIRECT, fetchWith, GROUP, raw, stranger, UUID } from "./requests.ts";

function direct(caller: Caller, otherUserId: unknown) {
  return caller.post(DIRECT, { otherUserId });
}

describe("POST /conversations/direct", () => {
  test("201 with the id, the same for both users and for every call", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const first = await direct(alice, bob.userId);
    expect(first.status).toBe(201);
    expect(first.body).toEqual({ conversationId: expect.stringMatching(UUID) });
    for (const again of [await direct(alice, bob.userId), await direct(bob, alice.userId)]) {
      expect(again.status).toBe(201);
      expect(again.body).toEqual(first.body);
    }
  });

  test("201 and one conversation for ten concurrent creators from both sides", async () => {
    const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        i % 2 === 0 ? direct(alice, bob.userId) : direct(bob, alice.userId),
      ),
    );
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(201));
    expect(new Set(answers.map((answer) => answer.body.conversationId)).size).toBe(1);
    for (const caller of [alice, bob]) {
      const { body } = await caller.get(CONVERSATIONS);
      expect(body).toHaveLength(1);
      expect(body[0].participantIds.sort()).toEqual([alice.userId, bob.userId].sort());
    }
  });

  test("201 and another conversation with another person", async () => {
    const [alice, bob, carol] = await Promise.all([person(), person(), person()]);
    const ids = await Promise.all([
      direct(alice, bob.userId),
      direct(alice, carol.userId),
      direct(bob, carol.userId),
    ]);
    expect(new Set(ids.map((answer) => answer.body.conversationId)).size).toBe(3);
  });

  test("201 for pairs of ids whose plain concatenations would be equal", async () => {
    const [a, ab, b, bb] = await Promise.all(["x", "x,x", "x,x,x", "x,x,x,x"].map(personCalled));
    if (!a || !ab || !b || !bb) throw new Error("four people");
    const [one, other] = await Promise.all([direct(a, bb.userId), direct(ab, b.userId)]);
    expect(one.body.conversationId).not.toBe(other.body.conversationId);
  });

  test("400 for a conversation with oneself", async () => {
    const alice = await person();
    const answer = await direct(alice, alice.userId);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({ error: expect.any(String), code: "invalid_participants" });
  });

  test("400 with an unknown user, naming the id; 201 once the user is known", async () => {
    const alice = await person();
    const unseen = await stranger();
    const answer = await direct(alice, unseen.userId);
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe("unknown_user");
    expect(answer.body.error).toContain(unseen.userId);
    expect((await alice.get(CONVERSATIONS)).body).toEqual([]);
  });

  test.each([
    ["no id", {}],
    ["null", { otherUserId: null }],
    ["a number", { otherUserId: 7 }],
    ["a list", { otherUserId: ["bob"] }],
    ["an empty id", { otherUserId: "" }],
    ["white space", { otherUserId: " " }],
    ["a control character", { otherUserId: "b\u0000b" }],
    ["129 characters", { otherUserId: "b".repeat(129) }],
  ])("400 with %s, naming the field", async (_, body) => {
    const answer = await (await person()).post(DIRECT, body);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      error: expect.any(String),
      code: "invalid_request",
      details: [{ path: "otherUserId", message: expect.any(String) }],
    });
  });

  test.each([[[]], ["bob"], [null], [7]])("400 with a body that is %j", async (body) => {
    const answer = await (await person()).post(DIRECT, body);
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe("invalid_request");
  });
});

describe("USER_DIRECTORY=open", () => {
  const anyone = { USER_DIRECTORY: "open" };

  test("201 with an unknown user, who sees the conversation at their first visit", async () => {
    const [alice, bob] = await Promise.all([person(), person()]);
    const [unseen, other] = [await stranger(), await stranger()];
    const bodies: [string, object][] = [
      [DIRECT, { otherUserId: unseen.userId }],
      [GROUP, { participantIds: [unseen.userId, bob.userId] }],
    ];
    for (const [path, body] of bodies) {
      const answer = await fetchWith(anyone, path, raw(alice, "POST", JSON.stringify(body)));
      expect(answer.status).toBe(201);
      const headers = { Authorization: `Bearer ${unseen.token}` };
      const inbox = await fetchWith(anyone, CONVERSATIONS, { headers });
      expect(inbox.body.map((entry: { conversationId: string }) => entry.conversationId)).toContain(
        answer.body.conversationId,
      );
    }
    const body = JSON.stringify({ otherUserId: other.userId });
    expect((await fetchWith({}, DIRECT, raw(alice, "POST", body))).status).toBe(400);
  });

  test("400 with an invalid id", async () => {
    const alice = await person();
    for (const otherUserId of ["", alice.userId, "b\u0000b"]) {
      const body = JSON.stringify({ otherUserId });
      expect((await fetchWith(anyone, DIRECT, raw(alice, "POST", body))).status).toBe(400);
    }
  });
});

/** A known user with exactly this id. */
async function personCalled(userId: string): Promise<Caller> {
  const caller = new Caller(userId, await tokenFor(userId));
  await caller.get(CONVERSATIONS);
  return caller;
}
