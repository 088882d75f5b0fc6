import { beforeAll, describe, expect, test } from "vitest";
import { type Answer, type Caller, directPair, person } from "../../support.ts";
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

/** A wrong shape, then what does not exist, then what one may not, then what the state forbids. */

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

describe("404 before 403: a stranger and a message that is not there", () => {
  test.each(ACTIONS)("%s", async (_, act) => {
    const beyond = `${conversationId.slice(0, -2)}ff`;
    expectError(await act(stranger, beyond), 404, "message_not_found");
  });
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
