import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { digestOf, digestOfMessage } from "../../../src/conversation/decide/digest.ts";
import type { Change, Command } from "../../../src/conversation/decide/types.ts";
import { concernedBy } from "../../../src/conversation/outbound/inboxes/concerned.ts";
import { EVERYBODY, mentionList, mentionsInList } from "../../../src/domain/mentions.ts";
import { accepted, id, refusedWith, staff, testRefusals, user } from "./cases.ts";
import { MemoryState, NOW } from "./state.ts";

type Send = Extract<Command, { type: "send" }>;
type Edit = Extract<Command, { type: "edit" }>;

const stateOf = () =>
  new MemoryState("group", { ada: "owner", max: "moderator", bob: "member", cy: "member" });
const leave = (state: MemoryState) => state.put({ userId: "cy", leftAt: NOW });

function send(more: Partial<Send> = {}): Send {
  return { type: "send", kind: "text", content: "hello", maxLength: 10, ...more };
}

function edit(more: Partial<Edit> = {}): Edit {
  return { type: "edit", messageId: id(1), content: "hello", maxLength: 10, ...more };
}

describe("mentions are refused with", () => {
  const limited = (state: MemoryState) => state.sends.set("ada", Array(5).fill(NOW));
  const post = (state: MemoryState) => void state.post("bob", { mentions: ["ada"] });
  testRefusals(stateOf, [
    ["invalid_mentions", "a stranger", user("ada"), send({ mentions: ["bob", "eve"] })],
    ["invalid_mentions", "a former member", user("ada"), send({ mentions: ["cy"] }), leave],
    ["invalid_mentions", "a stranger in an edit", user("bob"), edit({ mentions: ["eve"] }), post],
    ["invalid_mentions", "before the rate", user("ada"), send({ mentions: ["eve"] }), limited],
    ["invalid_reply", "after the reply", user("ada"), send({ mentions: ["eve"], replyTo: "x" })],
    ["not_a_member", "after membership", user("eve"), send({ mentions: ["bob"] })],
    ["forbidden", "everybody by a member", user("bob"), send({ mentionsAll: true })],
    ["forbidden", "everybody by a resolver", staff("rae", "resolver"), send({ mentionsAll: true })],
    ["forbidden", "everybody in an edit", user("bob"), edit({ mentionsAll: true }), post],
  ]);

  test("the places of those who are no members", () => {
    const error = refusedWith(stateOf(), user("ada"), send({ mentions: ["bob", "eve"] }));
    expect(error?.details).toEqual([{ path: "mentions.1", message: "not a member" }]);
  });
});

test.each([
  ["the owner", user("ada")],
  ["a moderator", user("max")],
  ["an admin of the marketplace", staff("sue", "admin")],
])("%s may mention everybody, which counts once for each", (_, actor) => {
  const decision = accepted(stateOf(), actor, send({ mentionsAll: true, mentions: ["bob"] }));
  expect(decision.answer.message).toMatchObject({ mentionsAll: true, mentions: ["bob"] });
  expect(decision.effects).toEqual([
    { type: "mentioned", number: 1, rev: expect.any(Number), added: [EVERYBODY], removed: [] },
  ]);
});

test("a send stores whom it mentions, itself excepted; UUIDs are compared in lower case", () => {
  const state = stateOf();
  const uuid = "8a9f0c2e-1111-4222-8333-abcdefabcdef";
  state.put({ userId: uuid });
  const mentions = ["bob", "ada", uuid.toUpperCase()];
  const decision = accepted(state, user("ada"), send({ mentions }));
  expect(decision.answer.message?.mentions).toEqual(["bob", "ada", uuid]);
  expect(decision.effects).toEqual([
    { type: "mentioned", number: 1, rev: expect.any(Number), added: ["bob", uuid], removed: [] },
  ]);
  expect(decision.changes).toMatchObject([{ mentioned: ["bob", uuid] }]);
});

test.each([
  ["nothing", {}],
  ["an empty list", { mentions: [] }],
  ["not everybody", { mentionsAll: false }],
])("a send with %s is as one without mentions", (_, more) => {
  const plain = accepted(stateOf(), user("ada"), send());
  expect(accepted(stateOf(), user("ada"), send(more))).toEqual(plain);
  expect(plain.effects).toEqual([]);
  expect(plain.changes[0]).not.toHaveProperty("mentioned");
  expect(plain.answer.message).not.toHaveProperty("mentions");
  expect(plain.answer.message).not.toHaveProperty("mentionsAll");
});

describe("an edit", () => {
  const posted = (more: object) => {
    const state = stateOf();
    state.post("ada", more);
    return state;
  };

  test.each([
    ["keeps both", { mentions: ["bob"], mentionsAll: true }, {}, [EVERYBODY, "bob"]],
    ["replaces people", { mentions: ["bob"] }, { mentions: ["cy"] }, ["cy"]],
    ["removes people", { mentions: ["bob"] }, { mentions: [] }, []],
    ["adds everybody", { mentions: ["bob"] }, { mentionsAll: true }, [EVERYBODY, "bob"]],
    [
      "removes everybody",
      { mentions: ["bob"], mentionsAll: true },
      { mentionsAll: false },
      ["bob"],
    ],
  ] as const)("%s", (_, before, asked, after) => {
    const more = { ...before, ...("mentions" in before && { mentions: [...before.mentions] }) };
    const decision = accepted(posted(more), user("ada"), edit(asked));
    const { message } = decision.answer;
    expect(message && mentionList(message)).toEqual(after);
  });

  test("may keep somebody who has left, and everybody although the author's role has changed", () => {
    const state = posted({ mentions: ["cy"], mentionsAll: true });
    leave(state);
    state.put({ userId: "ada", role: "member" });
    const same = edit({ mentions: ["cy"], mentionsAll: true });
    expect(accepted(state, user("ada"), same).answer.message).toMatchObject({ mentions: ["cy"] });
    expect(accepted(state, user("ada"), edit()).answer.message).toMatchObject({
      mentionsAll: true,
    });
  });

  test("changes only the mentions that differ, and concerns those before and after", () => {
    const state = posted({ mentions: ["bob", "max"] });
    state.post("ada");
    const decision = accepted(state, user("ada"), edit({ mentions: ["max", "cy"] }));
    expect(decision.effects).toEqual([
      { type: "mentioned", number: 1, rev: expect.any(Number), added: ["cy"], removed: ["bob"] },
    ]);
    expect(concernedBy(decision.changes, 2)).toMatchObject({
      ...{ everybody: false, mentionsAll: false },
      mentioned: new Set(["bob", "max", "cy"]),
    });
    const same = accepted(state, user("ada"), edit({ mentions: ["max", "bob"] }));
    expect(same).not.toHaveProperty("effects");
    expect(concernedBy(same.changes, 2).mentioned).toEqual(new Set());
  });

  test("that mentions everybody, or no longer does, concerns everybody", () => {
    const more = accepted(posted({}), user("ada"), edit({ mentionsAll: true }));
    const less = accepted(posted({ mentionsAll: true }), user("ada"), edit({ mentionsAll: false }));
    for (const { changes } of [more, less]) {
      expect(concernedBy(changes, 2)).toMatchObject({ everybody: true, mentionsAll: true });
    }
  });
});

test("a deletion and a reaction mention nobody; the deletion removes the mentions", () => {
  const state = stateOf();
  state.post("ada", { mentions: ["bob"], mentionsAll: true });
  const reacted = accepted(state, user("bob"), { type: "react", messageId: id(1), emoji: "👍" });
  expect(reacted.answer.message).toMatchObject({ mentions: ["bob"], mentionsAll: true });
  const deleted = accepted(state, user("ada"), { type: "delete", messageId: id(1) });
  expect(deleted.answer.message).not.toHaveProperty("mentions");
  expect(deleted.answer.message).not.toHaveProperty("mentionsAll");
  expect(deleted.effects).toContainEqual(
    ...[{ type: "mentioned", number: 1, rev: expect.any(Number), added: [], removed: [EVERYBODY] }],
  );
  for (const { changes } of [reacted, deleted]) {
    expect(concernedBy(changes, 1)).toMatchObject({ mentioned: new Set(), mentionsAll: false });
  }
});

test("a send in a large conversation names whom it calls at once", () => {
  const changes = (more: Partial<Send>): Change[] =>
    accepted(stateOf(), user("ada"), send(more)).changes;
  expect(concernedBy(changes({ mentions: ["bob", "cy"] }), 1).mentioned).toEqual(
    new Set(["bob", "cy"]),
  );
  expect(concernedBy(changes({}), 1)).toMatchObject({ mentioned: new Set(), mentionsAll: false });
  expect(concernedBy(changes({ mentionsAll: true }), 1).mentionsAll).toBe(true);
});

describe("a retry", () => {
  const key = { clientMessageId: "key" };
  const sentOnce = (more: Partial<Send>) => {
    const state = stateOf();
    state.apply(accepted(state, user("ada"), send({ ...key, ...more })), "ada");
    return state;
  };

  test("is recognized whatever the order of the mentions, and although they have left", () => {
    const state = sentOnce({ mentions: ["bob", "cy"] });
    leave(state);
    const again = send({ ...key, mentions: ["cy", "bob"], mentionsAll: false });
    expect(accepted(state, user("ada"), again).answer.deduplicated).toBe(true);
    state.apply(accepted(state, user("ada"), edit({ mentions: [] })), "ada");
    expect(accepted(state, user("ada"), again).answer.deduplicated).toBe(true);
  });

  test.each([
    ["others", { mentions: ["cy"] }],
    ["nobody", {}],
    ["everybody as well", { mentions: ["bob"], mentionsAll: true }],
  ])("that mentions %s is another message", (_, more) => {
    const again = send({ ...key, ...more });
    const error = refusedWith(sentOnce({ mentions: ["bob"] }), user("ada"), again);
    expect(error?.code).toBe("idempotency_conflict");
  });

  test("messages without mentions have the digest of the version before", () => {
    const canonical = JSON.stringify(["text", "hello", null, [], null]);
    const before = createHash("sha256").update(canonical).digest("base64url").slice(0, 22);
    const { message } = accepted(stateOf(), user("ada"), send(key)).answer;
    expect(digestOf(send(key))).toBe(before);
    expect(message && digestOfMessage(message)).toBe(before);
  });
});

test("stored lists are read as they were written", () => {
  const people = fc.uniqueArray(fc.string({ minLength: 1 }));
  fc.assert(
    fc.property(people, fc.boolean(), (mentions, all) => {
      const list = all ? [EVERYBODY, ...mentions] : mentions;
      expect(mentionList(mentionsInList(list))).toEqual(list);
    }),
  );
});
