import { beforeAll, describe, expect, test } from "vitest";
import { EMOJIS } from "../../../src/domain/reaction.ts";
import { type Caller, channelOf, directPair, openLive, person } from "../../support.ts";
import { pathsOf } from "../requests.ts";
import {
  channel,
  erase,
  expectError,
  expectUnauthenticated,
  message,
  newest,
  noMessages,
  reaction,
  sent,
} from "./client.ts";

const SOME = "3fa85f64-5717-8562-b3fc-2c0000000001";

let alice: Caller;
let bob: Caller;
let stranger: Caller;
let conversationId: string;

beforeAll(async () => {
  ({ alice, bob, conversationId } = await directPair());
  stranger = await person("stranger");
});

function react(by: Caller, messageId: string, emoji: unknown) {
  return by.post(message(messageId, "/reactions"), { emoji });
}

function unreact(by: Caller, messageId: string, emoji: string) {
  return by.delete(reaction(messageId, emoji));
}

/** The newest message's reactions, according to the history. */
async function reactions(id = conversationId) {
  return (await newest(alice, id)).reactions;
}

describe("POST /messages/{messageId}/reactions", () => {
  test("200, and the message has the reaction", async () => {
    const messageId = await sent(alice, conversationId);
    const answer = await react(bob, messageId, "👍");
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ success: true });
    await react(alice, messageId.toUpperCase(), "👍");
    await react(alice, messageId, "🎉");
    expect(await reactions()).toEqual([
      { emoji: "👍", count: 2, userIds: [bob.userId, alice.userId] },
      { emoji: "🎉", count: 1, userIds: [alice.userId] },
    ]);
  });

  test("200 for each of the twenty emojis, all by one user on one message", async () => {
    const messageId = await sent(alice, conversationId);
    for (const emoji of EMOJIS) {
      expect((await react(bob, messageId, emoji)).status).toBe(200);
    }
    expect(EMOJIS).toHaveLength(20);
    expect(await reactions()).toEqual(
      EMOJIS.map((emoji) => ({ emoji, count: 1, userIds: [bob.userId] })),
    );
  });

  test("200 for ❤ with or without the variation selector, which are the same", async () => {
    const messageId = await sent(alice, conversationId);
    await react(bob, messageId, "\u{2764}");
    await react(alice, messageId, "\u{2764}\u{fe0f}");
    expect(await reactions()).toEqual([
      { emoji: "\u{2764}\u{fe0f}", count: 2, userIds: [bob.userId, alice.userId] },
    ]);
    expect((await unreact(bob, messageId, "\u{2764}")).status).toBe(200);
    expect((await reactions())[0].userIds).toEqual([alice.userId]);
  });

  test("200 for an existing reaction, and nothing changes", async () => {
    const messageId = await sent(alice, conversationId);
    const a = await openLive(alice, conversationId);
    await react(bob, messageId, "🔥");
    expect((await react(bob, messageId, "🔥")).status).toBe(200);
    await sent(alice, conversationId, "behind them");
    await a.next("message", (event) => event.message.content === "behind them");
    expect(a.all("message").map(({ cause }) => cause)).toEqual(["reaction", "created"]);
  });

  test("200 from more than twenty users: all are counted, the first twenty listed", async () => {
    const callers = await Promise.all(Array.from({ length: 23 }, () => person("crowd")));
    const id = await channelOf(alice, callers);
    const messageId = await sent(alice, id);
    for (const caller of callers) await react(caller, messageId, "👏");
    const ids = callers.map(({ userId }) => userId);
    expect(await reactions(id)).toEqual([{ emoji: "👏", count: 23, userIds: ids.slice(0, 20) }]);
    const [first, , , fourth] = callers;
    if (!first || !fourth) throw new Error("23 people");
    await unreact(first, messageId, "👏");
    await unreact(fourth, messageId, "👏");
    const left = ids.filter((userId) => userId !== first.userId && userId !== fourth.userId);
    expect(await reactions(id)).toEqual([{ emoji: "👏", count: 21, userIds: left.slice(0, 20) }]);
  });

  test.each(["🍕", "👍🏽", "👍👍", "thumbsup", " 👍", ""])(
    "400 for %j, which is not one of the twenty",
    async (emoji) => {
      const messageId = await sent(alice, conversationId);
      expectError(await react(bob, messageId, emoji), 400, "unsupported_emoji");
      expectError(await unreact(bob, messageId, emoji || "x"), 400, "unsupported_emoji");
      expect(await reactions()).toEqual([]);
    },
  );

  test("400 without an emoji", async () => {
    const messageId = await sent(alice, conversationId);
    for (const emoji of [undefined, null, 7, ["👍"]]) {
      const answer = await react(bob, messageId, emoji);
      expectError(answer, 400, "invalid_request");
      expect(pathsOf(answer)).toEqual(["emoji"]);
    }
  });

  test("400 on a deleted message, whose reactions are deleted too", async () => {
    const messageId = await sent(alice, conversationId);
    await react(bob, messageId, "👍");
    await erase(alice, conversationId, messageId);
    expect(await reactions()).toEqual([]);
    expectError(await react(bob, messageId, "👍"), 400, "message_deleted");
    expectError(await react(alice, messageId, "🎉"), 400, "message_deleted");
    expectError(await unreact(bob, messageId, "👍"), 400, "message_deleted");
  });

  test("400 in an archived channel", async () => {
    const id = await channelOf(alice, [bob]);
    const messageId = await sent(alice, id);
    await react(bob, messageId, "👍");
    await alice.post(channel(id, "/archive"));
    expectError(await react(bob, messageId, "🎉"), 400, "channel_archived");
    expectError(await unreact(bob, messageId, "👍"), 400, "channel_archived");
    expect(await reactions(id)).toMatchObject([{ emoji: "👍", count: 1 }]);
  });

  test("401 without a valid token", () => expectUnauthenticated("POST", reaction(SOME, "")));

  test("403 for users who are not members", async () => {
    const messageId = await sent(alice, conversationId);
    expectError(await react(stranger, messageId, "👍"), 403, "not_a_member");
  });

  test("404 for an id that names no message", async () => {
    await sent(alice, conversationId);
    for (const id of noMessages(conversationId)) {
      expectError(await react(alice, id, "👍"), 404, "message_not_found");
    }
  });
});

describe("DELETE /messages/{messageId}/reactions/{emoji}", () => {
  test("200, and only the caller's reaction is removed", async () => {
    const messageId = await sent(alice, conversationId);
    for (const by of [alice, bob]) await react(by, messageId, "👍");
    await react(alice, messageId, "👀");
    const answer = await alice.delete(message(messageId, "/reactions/%F0%9F%91%8D"));
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ success: true });
    expect(await reactions()).toEqual([
      { emoji: "👍", count: 1, userIds: [bob.userId] },
      { emoji: "👀", count: 1, userIds: [alice.userId] },
    ]);
    await unreact(bob, messageId, "👍");
    expect((await reactions()).map(({ emoji }: { emoji: string }) => emoji)).toEqual(["👀"]);
  });

  test("400 for a reaction that the caller has not made, or has removed", async () => {
    const messageId = await sent(alice, conversationId);
    await react(bob, messageId, "👍");
    expectError(await unreact(alice, messageId, "👍"), 400, "reaction_not_found");
    expectError(await unreact(bob, messageId, "🎉"), 400, "reaction_not_found");
    await unreact(bob, messageId, "👍");
    expectError(await unreact(bob, messageId, "👍"), 400, "reaction_not_found");
  });

  test.each(["%F0%9F", "%ZZ", "%00"])(
    "400 for %s, which does not decode to an emoji",
    async (emoji) => {
      const messageId = await sent(alice, conversationId);
      const answer = await bob.delete(message(messageId, `/reactions/${emoji}`));
      expectError(answer, 400, "unsupported_emoji");
    },
  );

  test("401 without a valid token", () => expectUnauthenticated("DELETE", reaction(SOME, "👍")));

  test("403 for users who are not members", async () => {
    const messageId = await sent(alice, conversationId);
    await react(bob, messageId, "👍");
    expectError(await unreact(stranger, messageId, "👍"), 403, "not_a_member");
  });

  test("404 for an id that names no message", async () => {
    for (const id of noMessages(conversationId)) {
      expectError(await unreact(alice, id, "👍"), 404, "message_not_found");
    }
  });
});
