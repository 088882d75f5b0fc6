import { describe, expect, test } from "vitest";
import { Caller, channelOf, directPair, openLive, person, someone, tokenFor } from "../support.ts";
import { GROUP, MESSAGES, page, pathsOf, USERS } from "./requests.ts";

/**
 * Characters that make one name look like another are rejected in names and titles, and allowed in
 * messages.
 */

const CHATS = "/api/chat";
const CHANNELS = "/api/v1/chat/channels";
/** Overrides, embeddings, isolates, and line and paragraph separators. */
const SPOOFING = [..."\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029"];

const places: [
  where: string,
  field: string,
  set: (by: Caller, name: string) => ReturnType<Caller["post"]>,
][] = [
  [
    "a group's title",
    "title",
    (by, title) => by.post(GROUP, { title, participantIds: ["a", "b"] }),
  ],
  [
    "a chat's title",
    "title",
    (by, title) => by.post(CHATS, { type: "group", title, participantIds: ["a"] }),
  ],
  [
    "a support chat's subject",
    "subject",
    (by, subject) => by.post(`${CHATS}/support`, { subject }),
  ],
  ["a channel's name", "name", (by, name) => by.post(CHANNELS, { name, isPublic: true })],
  [
    "a channel's new name",
    "name",
    async (by, name) => by.put(`${CHANNELS}/${await channelOf(by)}`, { name }),
  ],
  [
    "a provisioned name",
    "users.0.name",
    (by, name) => by.put(USERS, { users: [{ id: someone(), name }] }),
  ],
];

describe("400 with spoofing characters", () => {
  test.each(places)("in %s", async (_, field, set) => {
    const admin = await person("admin", { role: "admin" });
    for (const [i, character] of SPOOFING.entries()) {
      const name = ["Team%A", "%Team", "Team%"][i % 3]?.replace("%", character) ?? "";
      const answer = await set(admin, name);
      expect([answer.status, answer.body.code], JSON.stringify(name)).toEqual([
        400,
        "invalid_request",
      ]);
      expect(pathsOf(answer)).toEqual([field]);
    }
  });
});

test("names in right-to-left scripts and with emojis are accepted", async () => {
  const host = await person();
  for (const name of [
    "\u05e7\u05d1\u05d5\u05e6\u05d4\u200f (A)",
    "\u200eTeam\u200e",
    "👨‍👩‍👧 Family",
    "n\u200co",
  ]) {
    expect((await host.post(CHANNELS, { name, isPublic: true })).status, name).toBe(201);
  }
});

test("they are removed from the name in a token, and the user is accepted", async () => {
  const userId = someone("spoof");
  const claims = { name: "\u202eAnn\u202c\u2028Lee" };
  const ann = new Caller(userId, await tokenFor(userId, { claims }));
  const channelId = await channelOf(ann);
  const socket = await openLive(ann, channelId);
  expect(socket.all("sync")[0]?.members).toMatchObject([{ userId, name: "AnnLee" }]);
  const { body } = await ann.get(`${USERS}?ids=${userId}`);
  expect(body.users).toMatchObject([{ name: "AnnLee" }]);
});

test("messages and descriptions may contain them", async () => {
  const { alice, conversationId } = await directPair();
  const content = `a${SPOOFING.join("b")}c`;
  expect((await alice.post(MESSAGES, { conversationId, content })).status).toBe(201);
  expect((await page(alice, conversationId)).body.items).toMatchObject([{ content }]);
  const made = await alice.post(CHANNELS, {
    name: "Channel",
    description: content,
    isPublic: true,
  });
  const channel = await alice.get(`${CHANNELS}/${made.body.channelId}`);
  expect(channel.body).toMatchObject({ description: content });
});
