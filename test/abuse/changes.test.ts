import { evictDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Command } from "../../src/conversation/decide/types.ts";
import type { ChatError } from "../../src/domain/error.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import { seedMessages } from "../conversation/seeds.ts";
import { answersTogether } from "../conversation/together.ts";
import { acked, answerTo } from "../live/answer.ts";
import { type Caller, directPair, groupOf, objectOf, openLive, person, send } from "../support.ts";

/**
 * Limits of edits, deletions, reactions and read marks: per user in one conversation, and in all
 * together.
 */

const MINUTE = 60_000;

afterEach(() => void vi.useRealTimers());

/** Two people, and a message by alice. */
async function withMessage() {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  const pair = await directPair();
  const { body } = await send(pair.alice, pair.conversationId, "hello");
  return { ...pair, messageId: String(body.messageId) };
}

function pass(milliseconds: number): void {
  vi.setSystemTime(Date.now() + milliseconds);
}

/** Submits commands; returns how often each outcome occurred: `ok`, or a code with its limit. */
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

/** Adds and removes the same reaction repeatedly. */
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
  test("the 61st within 60 s is refused, of any kind and over any protocol", async () => {
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

  test("refused commands and those without effect do not count", async () => {
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
    // At the limit, a command without effect is still accepted.
    expect(await outcomes(conversationId, alice, [again])).toEqual({ ok: 1 });
    const limited = { "rate_limited changes_per_minute": 1 };
    expect(await outcomes(conversationId, alice, edits(messageId, 1))).toEqual(limited);
  });

  test("admins are exempt", async () => {
    const { alice, conversationId, messageId } = await withMessage();
    const many = edits(messageId, 120);
    expect(await outcomes(conversationId, alice, many, "admin")).toEqual({ ok: 120 });
  });

  test("after an object slept, its count starts again", async () => {
    const { alice, conversationId, messageId } = await withMessage();
    await outcomes(conversationId, alice, edits(messageId, 60));
    await evictDurableObject(objectOf(conversationId));
    expect(await outcomes(conversationId, alice, edits(messageId, 1))).toEqual({ ok: 1 });
  });

  test("the limit of 300 a minute over all conversations refuses later changes for up to a minute, without delaying a command", async () => {
    const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
    let made = 0;
    let refused: ChatError | undefined;
    let last = "";
    let messageId = "";
    // The platform's limiter resets with each minute of its clock, so twice the limit is always
    // sufficient.
    while (!refused && made < 720) {
      last = await groupOf(alice, bob, carol);
      messageId = String((await send(alice, last, "hello")).body.messageId);
      for (let i = 0; i < 6 && !refused; i++) {
        const tally = await outcomes(last, alice, reactions(messageId, 10));
        made += tally["ok"] ?? 0;
        // The limiter answers some turns later.
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

  test("200 within 60 s that mark something are accepted, and 201 are not", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const { alice, bob, conversationId } = await directPair();
    await seedMessages(conversationId, 250, alice.userId);
    expect(await outcomes(conversationId, bob, marks(conversationId, 1, 100))).toEqual({ ok: 100 });
    // These messages are already marked.
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

  test("120 over REST within a minute are accepted", async () => {
    const { alice, bob, conversationId } = await directPair();
    await seedMessages(conversationId, 120, alice.userId);
    for (let number = 1; number <= 120; number++) {
      const path = `/api/v1/chat/messages/${messageIdOf(conversationId, number)}/read`;
      expect((await bob.post(path)).status).toBe(200);
    }
  });

  test("marks of one commit that are covered by a later one count once", async () => {
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
