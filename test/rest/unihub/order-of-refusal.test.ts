import { beforeAll, describe, expect, test } from "vitest";
import { type Answer, type Caller, directPair, groupOf, person } from "../../support.ts";
import {
  add,
  CHANNELS,
  channel,
  erase,
  expectError,
  message,
  participants,
  reaction,
  sent,
  staffed,
} from "./client.ts";

/**
 * The order of errors: invalid shape, unknown conversation, missing right, unknown message, invalid
 * state.
 */

let alice: Caller;
let bob: Caller;
let stranger: Caller;
let conversationId: string;

beforeAll(async () => {
  ({ alice, bob, conversationId } = await directPair());
  stranger = await person("stranger");
});

/** All operations on a message, each as a valid request. */
const ACTIONS: [string, (by: Caller, id: string) => Promise<Answer>][] = [
  ["react", (by, id) => by.post(message(id, "/reactions"), { emoji: "👍" })],
  ["unreact", (by, id) => by.delete(reaction(id, "👍"))],
  ["read", (by, id) => by.post(message(id, "/read"))],
  ["read receipts", (by, id) => by.get(message(id, "/read-receipts"))],
];

describe("membership before existence: users who are not members cannot tell whether a message exists", () => {
  test.each(ACTIONS)("%s", async (_, act) => {
    const group = await groupOf(alice, bob, stranger);
    const there = await sent(alice, group);
    const beyond = `${group.slice(0, -2)}ff`;
    const removed = await alice.delete(participants(group, stranger.userId));
    expect(removed.status).toBe(200);
    for (const outsider of [stranger, await person("nobody")]) {
      const answers = [await act(outsider, there), await act(outsider, beyond)];
      for (const answer of answers) expectError(answer, 403, "not_a_member");
      expect(answers[1]?.body).toEqual(answers[0]?.body);
    }
    expectError(await act(bob, beyond), 404, "message_not_found");
  });
});

test("404 before 403: a message of an unknown conversation", async () => {
  const nothing = "3fa85f64-5717-8562-b3fc-2c0000000001";
  for (const [, act] of ACTIONS) {
    expect((await act(stranger, nothing)).status).toBe(404);
  }
});

describe("403 before 400: a stranger and a deleted message", () => {
  test.each(ACTIONS)("%s", async (_, act) => {
    const messageId = await sent(alice, conversationId);
    await erase(alice, conversationId, messageId);
    expectError(await act(stranger, messageId), 403, "not_a_member");
  });
});

test("400 for the shape before 404 and 403", async () => {
  const nothing = "3fa85f64-5717-8562-b3fc-2c0000000000";
  const { member, id } = await staffed();
  const answers = [
    await stranger.post(message(nothing, "/reactions"), { emoji: "🍕" }),
    await stranger.delete(reaction(nothing, "🍕")),
    await stranger.post(participants(nothing), {}),
    await stranger.put(channel(nothing), {}),
    await stranger.post(channel(nothing, "/moderators"), {}),
    await stranger.post(channel(nothing, "/invitations"), {}),
    await member.put(channel(id), { name: "x" }),
    await member.post(channel(id, "/moderators"), {}),
  ];
  expect(answers.map(({ status }) => status)).toEqual(Array(answers.length).fill(400));
});

test("403 before the state's errors: in an archived channel, for strangers and members", async () => {
  const { owner, member, stranger, id } = await staffed();
  await owner.post(channel(id, "/archive"));
  for (const [caller, code] of [
    [stranger, "not_a_member"],
    [member, "forbidden"],
  ] as const) {
    expectError(await caller.put(channel(id), { name: "Renamed" }), 403, code);
    const { userId } = stranger;
    expectError(await caller.post(channel(id, "/invitations"), { userId }), 403, code);
    expectError(await caller.post(channel(id, "/moderators"), { userId }), 403, code);
    expectError(await caller.delete(`${CHANNELS}/${id}/members/${owner.userId}`), 403, code);
  }
});

test("403 before the state's errors: strangers do not learn the kind of a conversation", async () => {
  expectError(await add(stranger, conversationId, bob), 403, "not_a_member");
  expectError(await add(bob, conversationId, alice), 400, "not_a_group");
});
