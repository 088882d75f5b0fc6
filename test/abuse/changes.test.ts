import { evictDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Command } from "../../src/conversation/decide/types.ts";
import type { ChatError } from "../../src/domain/error.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import { seedMessages } from "../conversation/seeds.ts";
import { answersTogether } from "../conversation/together.ts";
import { acked, answerTo } from "../live/answer.ts";
import { type Caller, directPair, groupOf, objectOf, openLive, person, send } from "../support.ts";

/** Edits, deletions, reactions and read marks: a person's own limits in one conversation, and over all. */

const MINUTE = 60_000;

afterEach(() => void vi.useRealTimers());

/** Two people, and a message of alice's. */
async function withMessage() {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  const pair = await directPair();
  const { body } = await send(pair.alice, pair.conversationId, "hello");
  return { ...pair, messageId: String(body.messageId) };
}

function pass(milliseconds: number): void {
  vi.setSystemTime(Date.now() + milliseconds);
}

/** As many commands as there are; how often each outcome came: `ok`, or a code with its limit. */
async function outcomes(
  conversationId: string,
  by: Caller,
  commands: readonly Command[],
  role: "user" | "admin" = "user",
): Promise<Record<string, number>> {
  const results = await answersTogether(
    conversationId,
    commands.map((command) => [by, command] as const),
    { role },
  );
  const tally: Record<string, number> = {};
  for (const result of results) {
    const outcome = result.ok ? "ok" : `${result.error.code} ${result.error.limit}`;
    tally[outcome] = (tally[outcome] ?? 0) + 1;
  }
  return tally;
}

const edits = (messageId: string, count: number): Command[] =>
  Array.from({ length: count }, (_, i) => ({
    type: "edit",
    messageId,
    content: `version ${i}`,
    maxLength: 2_000,
  }));

/** An emoji left and taken back, over and over. */
const reactions = (messageId: string, count: number): Command[] =>
  Array.from({ length: count }, (_, i) => ({
    type: i % 2 ? "unreact" : "react",
    messageId,
    emoji: "👍",
  }));

async function refusal(
  conversationId: string,
  by: Caller,
  command: Command,
): Promise<ChatError | undefined> {
  const [result] = await answersTogether(conversationId, [[by, command]]);
  return result?.ok === false ? result.error : undefined;
}

describe("edits, deletions and reactions", () => {
  test("the 61st within 60 s is refused, whatever it is and whichever way it comes", async () => {
    const { alice, bob, conversationId, messageId } = await withMessage();
    const socket = await openLive(alice, conversationId);
    pass(1_000);
    expect(await outcomes(conversationId, alice, edits(messageId, 30))).toEqual({ ok: 30 });
    pass(9_000);
    expect(await outcomes(conversationId, alice, reactions(messageId, 28))).toEqual({ ok: 28 });
    const reactionPath = `/api/v1/chat/messages/${messageId}/reactions`;
    const react = (by: Caller) => by.post(reactionPath, { emoji: "🎉" });
    expect((await react(alice)).status).toBe(200);
    await acked(socket, { op: "edit", messageId, content: "the sixtieth" });

    const refused = await alice.post(reactionPath, { emoji: "🔥" });
    expect(refused).toMatchObject({
      status: 429,
      body: { code: "rate_limited", limit: "changes_per_minute" },
    });
    expect(refused.headers.get("Retry-After")).toBe("51");
    expect(await answerTo(socket, { op: "delete", messageId })).toMatchObject({
      code: "rate_limited",
      retryAfterMs: 51_000,
    });
    expect((await send(alice, conversationId, "sends have their own limit")).status).toBe(201);
    expect((await react(bob)).status).toBe(200);
    const other = await groupOf(alice, bob, await person("carol"));
    const sent = await send(alice, other, "elsewhere");
    expect(await refusal(other, alice, edits(sent.body.messageId, 1)[0] ?? fail())).toBeUndefined();

    pass(50_999);
    expect(await answerTo(socket, { op: "delete", messageId })).toMatchObject({ retryAfterMs: 1 });
    pass(1);
    const limited = { ok: 30, "rate_limited changes_per_minute": 5 };
    expect(await outcomes(conversationId, alice, edits(messageId, 35))).toEqual(limited);
  });

  test("what is refused or changes nothing costs nothing", async () => {
    const { alice, conversationId, messageId } = await withMessage();
    const nothing: Command[] = [
      { type: "unreact", messageId, emoji: "👍" },
      { type: "edit", messageId, content: " ", maxLength: 2_000 },
      { type: "delete", messageId: messageIdOf(conversationId, 9) },
    ];
    await outcomes(conversationId, alice, [{ type: "react", messageId, emoji: "🎉" }]);
    const again: Command = { type: "react", messageId, emoji: "🎉" };
    const idle = Array.from({ length: 25 }, () => [...nothing, again]).flat();
    expect(await outcomes(conversationId, alice, idle)).toMatchObject({ ok: 25 });
    expect(await outcomes(conversationId, alice, edits(messageId, 59))).toEqual({ ok: 59 });
    // Nor is it refused then.
    expect(await outcomes(conversationId, alice, [again])).toEqual({ ok: 1 });
    const limited = { "rate_limited changes_per_minute": 1 };
    expect(await outcomes(conversationId, alice, edits(messageId, 1))).toEqual(limited);
  });

  test("admins are free of it", async () => {
    const { alice, conversationId, messageId } = await withMessage();
    const many = edits(messageId, 120);
    expect(await outcomes(conversationId, alice, many, "admin")).toEqual({ ok: 120 });
  });

  test("an object that slept counts anew", async () => {
    const { alice, conversationId, messageId } = await withMessage();
    await outcomes(conversationId, alice, edits(messageId, 60));
    await evictDurableObject(objectOf(conversationId));
    expect(await outcomes(conversationId, alice, edits(messageId, 1))).toEqual({ ok: 1 });
  });

  test("over all conversations 300 a minute, found out without waiting, and then a minute of none", async () => {
    const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
    let made = 0;
    let refused: ChatError | undefined;
    let last = "";
    let messageId = "";
    // The platform's limiter begins anew with each minute of its clock: twice as many are enough.
    while (!refused && made < 720) {
      last = await groupOf(alice, bob, carol);
      messageId = String((await send(alice, last, "hello")).body.messageId);
      for (let i = 0; i < 6 && !refused; i++) {
        const tally = await outcomes(last, alice, reactions(messageId, 10));
        made += tally["ok"] ?? 0;
        // What the limiter said comes some turns later.
        await person("someone");
        refused = await refusal(last, alice, { type: "react", messageId, emoji: "🔥" });
        if (!refused) made++;
        if (refused?.limit === "changes_per_minute") refused = undefined;
      }
    }
    expect(refused).toMatchObject({
      code: "rate_limited",
      limit: "changes_per_minute_everywhere",
    });
    expect(refused?.retryAfterMs).toBeGreaterThan(0);
    expect(refused?.retryAfterMs).toBeLessThanOrEqual(MINUTE);
    expect(made).toBeGreaterThanOrEqual(300);
    const other: Command = { type: "react", messageId, emoji: "🔥" };
    expect(await outcomes(last, bob, [other])).toEqual({ ok: 1 });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    pass(MINUTE);
    expect(await refusal(last, alice, other)).toBeUndefined();
  });
});

describe("read marks", () => {
  const marks = (conversationId: string, from: number, to: number): Command[] =>
    Array.from({ length: to - from + 1 }, (_, i) => ({
      type: "read",
      messageIds: [messageIdOf(conversationId, from + i)],
    }));

  test("200 that mark something within 60 s, and not one more", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const { alice, bob, conversationId } = await directPair();
    await seedMessages(conversationId, 250, alice.userId);
    expect(await outcomes(conversationId, bob, marks(conversationId, 1, 100))).toEqual({ ok: 100 });
    // Marks of what is marked.
    expect(await outcomes(conversationId, bob, marks(conversationId, 1, 100))).toEqual({ ok: 100 });
    pass(5_000);
    expect(await outcomes(conversationId, bob, marks(conversationId, 101, 210))).toEqual({
      ok: 100,
      "rate_limited reads_per_minute": 10,
    });
    const error = await refusal(conversationId, bob, { type: "read" });
    expect(error?.retryAfterMs).toBe(55_000);
    const answer = await bob.patch(`/api/chat/${conversationId}/messages/read`);
    expect(answer).toMatchObject({ status: 429, body: { limit: "reads_per_minute" } });
    expect(await refusal(conversationId, bob, edits("", 1)[0] ?? fail())).toMatchObject({
      code: "message_not_found",
    });
    pass(55_000);
    expect(await outcomes(conversationId, bob, [{ type: "read" }])).toEqual({ ok: 1 });
  });

  test("a hundred and twenty over REST within a minute are none too many", async () => {
    const { alice, bob, conversationId } = await directPair();
    await seedMessages(conversationId, 120, alice.userId);
    for (let number = 1; number <= 120; number++) {
      const path = `/api/v1/chat/messages/${messageIdOf(conversationId, number)}/read`;
      expect((await bob.post(path)).status).toBe(200);
    }
  });

  test("those of one commit that a later one covers cost one", async () => {
    const { alice, bob, conversationId } = await directPair();
    await seedMessages(conversationId, 250, alice.userId);
    for (let round = 0; round < 4; round++) {
      const upTo = Array.from({ length: 60 }, (_, i): Command => {
        return { type: "read", upTo: messageIdOf(conversationId, round * 60 + i + 1) };
      });
      expect(await outcomes(conversationId, bob, upTo)).toEqual({ ok: 60 });
    }
  });
});

function fail(): never {
  throw new Error("there is one");
}
