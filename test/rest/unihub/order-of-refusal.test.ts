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
 * A wrong shape, then a conversation that does not exist, then what one may not, then a message that does
 * not exist, then what the state forbids.
 */

let alice: Caller;
let bob: Caller;
let stranger: Caller;
let conversationId: string;

beforeAll(async () => {
  ({ alice, bob, conversationId } = await directPair());
  stranger = await person("stranger");
});

/** Everything that can be done to a message, each in a rightly shaped request. */
const ACTIONS: [string, (by: Caller, id: string) => Promise<Answer>][] = [
  ["react", (by, id) => by.post(message(id, "/reactions"), { emoji: "👍" })],
  ["unreact", (by, id) => by.delete(reaction(id, "👍"))],
  ["read", (by, id) => by.post(message(id, "/read"))],
  ["read receipts", (by, id) => by.get(message(id, "/read-receipts"))],
];

describe("membership before existence: who is not in it cannot tell a message that is there", () => {
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

test("404 before 403: a message of a conversation that is not there", async () => {
  const nothing = "3fa85f64-5717-8562-b3fc-2c0000000001";
  for (const [, act] of ACTIONS) {
    expect((await act(stranger, nothing)).status).toBe(404);
  }
});

describe("403 before 400: a stranger and a message that is deleted", () => {
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

test("403 before what the state forbids: in an archived channel, of strangers and members", async () => {
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

test("403 before what the state forbids: strangers hear nothing of what a conversation is", async () => {
  expectError(await add(stranger, conversationId, bob), 403, "not_a_member");
  expectError(await add(bob, conversationId, alice), 400, "not_a_group");
});
