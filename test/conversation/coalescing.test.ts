import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { coveredReads } from "../../src/conversation/commit/coalesce.ts";
import type { Command } from "../../src/conversation/decide/types.ts";
import { fail } from "../../src/domain/error.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import type { Actor } from "../../src/domain/policy.ts";
import { type Caller, groupOf, openLive, person, send, unreadOf } from "../support.ts";
import { seedMessages } from "./seeds.ts";
import { answersTogether, text } from "./together.ts";

const ID = "3fa85f64-5717-8562-b3fc-2c0000000000";
const ELSEWHERE = "3fa85f64-5717-8562-b3fc-2d0000000000";
const LAST = 10;

describe("read marks of one group commit that are covered by a later one", () => {
  const all: Command = { type: "read" };
  const upTo = (number: number, id = ID): Command => ({
    type: "read",
    upTo: messageIdOf(id, number),
  });
  const some: Command = { type: "read", messageIds: [messageIdOf(ID, 2)] };
  const one: Command = { type: "read", messageId: messageIdOf(ID, 2) };
  const erase: Command = { type: "delete", messageId: messageIdOf(ID, 2) };
  const react: Command = { type: "react", messageId: messageIdOf(ID, 2), emoji: "👍" };

  test.each<[string, Command[], [number, number][]]>([
    ["all, then all", [all, all], [[0, 1]]],
    ["up to 3, then up to 5", [upTo(3), upTo(5)], [[0, 1]]],
    ["up to 5, then up to 3", [upTo(5), upTo(3)], []],
    ["up to 5, then all", [upTo(5), all], [[0, 1]]],
    ["all, then up to the newest there was", [all, upTo(LAST)], []],
    [
      "many",
      [upTo(1), upTo(2), all, upTo(9), all],
      [
        [0, 4],
        [1, 4],
        [2, 4],
        [3, 4],
      ],
    ],
    ["up to 2, all, up to 3", [upTo(2), all, upTo(3)], [[0, 1]]],
    ["messages between", [all, text("hello"), react, all], [[0, 3]]],
    ["an empty list is all", [{ type: "read", messageIds: [] }, all], [[0, 1]]],
    ["single messages", [some, one, all], []],
    ["single messages between", [all, some, all], []],
    ["a deletion between", [all, erase, all], []],
    ["a member leaves between", [all, { type: "leave" }, all], []],
    ["a message that is not there yet", [upTo(LAST + 1), all], []],
    ["a message of another conversation", [upTo(3, ELSEWHERE), all], []],
  ])("%s", (_, commands, expected) => {
    const group = commands.map((command) => ({ actor: actorOf("ada"), command }));
    const covered = coveredReads(group, { id: ID, lastNumber: LAST });
    expect([...covered].toSorted(([a], [b]) => a - b)).toEqual(expected);
  });

  test("only a user's own mark covers another, and only with the same rights", () => {
    const group = [
      { actor: actorOf("ada"), command: all },
      { actor: actorOf("bob"), command: all },
      { actor: actorOf("ada", { kinds: ["direct"] }), command: all },
      { actor: actorOf("bob"), command: all },
      { actor: actorOf("ada", { kinds: ["direct"] }), command: all },
    ];
    const covered = coveredReads(group, { id: ID, lastNumber: LAST });
    expect(new Map(covered)).toEqual(
      new Map([
        [1, 3],
        [2, 4],
      ]),
    );
  });

  test("a mark that is refused already covers none, and is covered by none", () => {
    const refused = fail("rate_limited");
    const ada = { actor: actorOf("ada"), command: all };
    const group = [ada, { ...ada, refused }, ada, { ...ada, refused }];
    expect([...coveredReads(group, { id: ID, lastNumber: LAST })]).toEqual([[0, 2]]);
  });

  function actorOf(userId: string, more: Partial<Actor> = {}): Actor {
    return { userId, name: null, avatarUrl: null, role: "user", reach: "member", ...more };
  }
});

type Step = {
  by: number;
  do: "send" | "all" | "upTo" | "some" | "delete" | "react";
  number: number;
};

const step: fc.Arbitrary<Step> = fc.record({
  by: fc.nat(2),
  do: fc.constantFrom("send", "all", "all", "upTo", "upTo", "some", "delete", "react"),
  number: fc.integer({ min: 1, max: 9 }),
});

describe("read marks committed together have the same result as one by one", () => {
  let people: [Caller, Caller, Caller];
  beforeAll(async () => {
    people = await Promise.all([person("ada"), person("bob"), person("cyd")]);
  });

  function commandOf({ do: what, number }: Step, group: string): Command {
    const messageId = messageIdOf(group, number);
    switch (what) {
      case "send":
        return text(`${number}`);
      case "all":
        return { type: "read" };
      case "upTo":
        return { type: "read", upTo: messageId };
      case "some":
        return { type: "read", messageIds: [messageId] };
      case "delete":
        return { type: "delete", messageId };
      case "react":
        return { type: "react", messageId, emoji: "👍" };
    }
  }

  async function begun(): Promise<string> {
    const group = await groupOf(...people);
    const senders = [...people, people[0], people[1]];
    await answersTogether(
      group,
      senders.map((caller, index) => [caller, text(`${index}`)]),
    );
    return group;
  }

  /** All receipts, read positions, and the outcomes of the marks. */
  async function stateOf(group: string) {
    const { body } = await people[0].get(`/api/chat/${group}/messages?order=asc`);
    const messages = body.data.messages.map(
      (m: { content: string; readBy: { userId: string }[] }) => [
        m.content,
        m.readBy.map(({ userId }) => userId).sort(),
      ],
    );
    const unread = await Promise.all(people.map((caller) => unreadOf(caller, group)));
    const { unreadCounts } = (await people[0].get(`/api/chat/${group}/info`)).body.data.chat;
    return { messages, unread, unreadCounts };
  }

  test("in any order with sends, deletions and reactions", async () => {
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 14, size: "max" }),
      async (steps) => {
        const [one, other] = [await begun(), await begun()];
        const commands = (group: string) =>
          steps.map((s) => [people[s.by] ?? people[0], commandOf(s, group)] as const);
        const together = await answersTogether(one, commands(one));
        const apart: Awaited<ReturnType<typeof answersTogether>> = [];
        for (const command of commands(other)) {
          apart.push(...(await answersTogether(other, [command])));
        }
        const codes = (results: typeof apart) =>
          results.map((result) => (result.ok ? "ok" : result.error.code));
        expect(codes(together)).toEqual(codes(apart));
        for (const by of [0, 1, 2]) {
          const modified = (results: typeof apart) =>
            results
              .filter((_, index) => steps[index]?.by === by)
              .reduce(
                (sum, result) => sum + (result.ok ? (result.value.modifiedCount ?? 0) : 0),
                0,
              );
          expect(modified(together)).toBe(modified(apart));
        }
        expect(await stateOf(one)).toEqual(await stateOf(other));
      },
    );
    await fc.assert(property, { numRuns: 15 });
  }, 120_000);
});

test("a hundred read marks committed together are one range, one event and a hundred answers", async () => {
  const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
  const group = await groupOf(alice, bob, carol);
  await seedMessages(group, 100, alice.userId);
  const socket = await openLive(alice, group);
  const marks = Array.from({ length: 100 }, (_, i): readonly [Caller, Command] => [
    bob,
    { type: "read", upTo: messageIdOf(group, i + 1) },
  ]);
  const answers = await answersTogether(group, marks);
  const counts = answers.map((result) => result.ok && result.value.modifiedCount);
  expect(counts).toEqual([...Array(99).fill(0), 100]);
  await send(alice, group, "behind them");
  await socket.next("message");
  expect(socket.all("read")).toMatchObject([{ userId: bob.userId, from: 1, to: 100 }]);
});
