import { describe, expect, test } from "vitest";
import { type Caller, channelOf, directPair, openLive, person, send } from "../../support.ts";
import { entryOf, ISO_TIME, NOBODYS, page, pathsOf, UUID } from "../requests.ts";
import {
  CHANNELS,
  channel,
  expectError,
  expectUnauthenticated,
  NOWHERE,
  sent,
  staffed,
} from "./client.ts";

/** A channel's entry in a list. */
async function entryIn(list: "/public" | "/my-channels", caller: Caller, id: string) {
  const { status, body } = await caller.get(CHANNELS + list);
  expect(status).toBe(200);
  return body.find((entry: { channelId: string }) => entry.channelId === id);
}

/** Ids that name no channel: an invalid id, an unknown one, and a conversation of another kind. */
async function noChannels(): Promise<{ alice: Caller; ids: string[] }> {
  const { alice, conversationId } = await directPair();
  return { alice, ids: [...NOWHERE, conversationId] };
}

describe("POST /channels", () => {
  test("201, and its creator is its owner, a moderator and a member", async () => {
    const alice = await person("alice");
    const answer = await alice.post(CHANNELS, {
      name: "  Study Group ",
      description: "Group for studying\nalgorithms",
      isPublic: true,
    });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({ channelId: expect.stringMatching(UUID) });
    expect(await entryIn("/my-channels", alice, answer.body.channelId)).toEqual({
      channelId: answer.body.channelId,
      name: "Study Group",
      description: "Group for studying\nalgorithms",
      type: "Public",
      ownerId: alice.userId,
      memberCount: 1,
      isModerator: true,
      isOwner: true,
      createdAt: expect.stringMatching(ISO_TIME),
      isArchived: false,
    });
  });

  test.each([
    ["name", { isPublic: true }],
    ["name", { name: "ab", isPublic: true }],
    ["name", { name: "  ab  ", isPublic: true }],
    ["name", { name: "x".repeat(101), isPublic: true }],
    ["name", { name: "two\nlines", isPublic: true }],
    ["name", { name: 123, isPublic: true }],
    ["description", { name: "Name", description: "x".repeat(501), isPublic: true }],
    ["description", { name: "Name", description: "\u{0}", isPublic: true }],
    ["isPublic", { name: "Name" }],
    ["isPublic", { name: "Name", isPublic: "true" }],
  ])("400 for an invalid %s: %j", async (path, body) => {
    const answer = await (await person()).post(CHANNELS, body);
    expectError(answer, 400, "invalid_request");
    expect(pathsOf(answer)).toEqual([path]);
  });

  test("201 at the length limits, which count code points", async () => {
    const alice = await person();
    for (const name of ["abc", "🥳🥳🥳", "🥳".repeat(100)]) {
      const description = "🥳".repeat(500);
      const answer = await alice.post(CHANNELS, { name, description, isPublic: false });
      expect(answer.status).toBe(201);
    }
    const { body } = await alice.post(CHANNELS, { name: "abc", description: "", isPublic: false });
    expect((await entryIn("/my-channels", alice, body.channelId)).description).toBeNull();
  });

  test("401 without a valid token", () => expectUnauthenticated("POST", CHANNELS));
});

describe("GET /channels/public", () => {
  test("200 with the public channels, newest first", async () => {
    const { owner, stranger, id } = await staffed();
    const hidden = await channelOf(owner, [], { isPublic: false });
    const later = await channelOf(owner);
    expect(await entryIn("/public", stranger, id)).toEqual({
      channelId: id,
      name: "Channel",
      description: null,
      type: "Public",
      ownerId: owner.userId,
      memberCount: 3,
      createdAt: expect.stringMatching(ISO_TIME),
      isArchived: false,
    });
    expect(await entryIn("/public", owner, hidden)).toBeUndefined();
    const { body } = await stranger.get(`${CHANNELS}/public`);
    const listed: string[] = body.map((entry: { channelId: string }) => entry.channelId);
    expect(listed.indexOf(later)).toBeLessThan(listed.indexOf(id));
    const times = body.map((entry: { createdAt: string }) => entry.createdAt);
    expect(times).toEqual(times.toSorted().reverse());
    const { body: second } = await stranger.get(`${CHANNELS}/public?pageSize=1&page=2`);
    expect(second).toEqual([body[1]]);
  });

  test("400 for invalid pages", async () => {
    for (const query of ["page=0", "pageSize=501", "pageSize=x"]) {
      expectError(
        await (await person()).get(`${CHANNELS}/public?${query}`),
        400,
        "invalid_request",
      );
    }
  });

  test("401 without a valid token", () => expectUnauthenticated("GET", `${CHANNELS}/public`));
});

describe("GET /channels/my-channels", () => {
  test("200 with the caller's channels and roles", async () => {
    const { owner, moderator, member, stranger, id } = await staffed({ isPublic: false });
    const facts = { channelId: id, type: "Private", memberCount: 3, ownerId: owner.userId };
    const roles = [
      [owner, { isModerator: true, isOwner: true }],
      [moderator, { isModerator: true, isOwner: false }],
      [member, { isModerator: false, isOwner: false }],
    ] as const;
    for (const [caller, role] of roles) {
      expect(await entryIn("/my-channels", caller, id)).toMatchObject({ ...facts, ...role });
    }
    expect((await stranger.get(`${CHANNELS}/my-channels`)).body).toEqual([]);
    await member.post(channel(id, "/leave"));
    expect(await entryIn("/my-channels", member, id)).toBeUndefined();
    expect((await entryIn("/my-channels", owner, id)).memberCount).toBe(2);
  });

  test("200 without groups and direct conversations; the inbox has no channels", async () => {
    const { alice, conversationId } = await directPair();
    const id = await channelOf(alice);
    expect(await entryIn("/my-channels", alice, conversationId)).toBeUndefined();
    expect(await entryOf(alice, id)).toBeUndefined();
    expect(await entryOf(alice, conversationId)).toBeDefined();
  });

  test("401 without a valid token", () => expectUnauthenticated("GET", `${CHANNELS}/my-channels`));
});

describe("GET /channels/{id}", () => {
  test("200 for members, and for everyone if it is public", async () => {
    const { owner, moderator, stranger, id } = await staffed();
    const mine = await entryIn("/my-channels", moderator, id);
    expect((await moderator.get(channel(id.toUpperCase()))).body).toEqual(mine);
    expect(await stranger.get(channel(id))).toMatchObject({
      ...{ status: 200, body: { ...mine, isModerator: false, isOwner: false } },
    });
    expect((await owner.get(channel(id))).body.isOwner).toBe(true);
  });

  test("401 without a valid token", () => expectUnauthenticated("GET", channel(NOBODYS)));

  test("403 for strangers and former members if it is private", async () => {
    const { member, stranger, id } = await staffed({ isPublic: false });
    expectError(await stranger.get(channel(id)), 403, "not_a_member");
    await member.post(channel(id, "/leave"));
    expectError(await member.get(channel(id)), 403, "not_a_member");
  });

  test("404 for an id that names no channel", async () => {
    const { alice, ids } = await noChannels();
    for (const id of ids) expectError(await alice.get(channel(id)), 404, "conversation_not_found");
  });
});

describe("a channel as a conversation", () => {
  test("its members send by REST and socket; strangers can neither read nor write", async () => {
    const { owner, member, stranger, id } = await staffed();
    const m = await openLive(member, id);
    await sent(owner, id, "hello");
    expect((await m.next("message")).message.content).toBe("hello");
    expect((await page(member, id)).body.items).toHaveLength(1);
    expectError(await page(stranger, id), 403, "not_a_member");
    expectError(await send(stranger, id, "hello?"), 403, "not_a_member");
  });

  test("the marketplace API does not have it", async () => {
    const { owner, id } = await staffed();
    for (const path of ["", "/messages", "/info"]) {
      expect((await owner.get(`/api/chat/${id}${path}`)).status).toBe(404);
    }
    expect((await owner.post(`/api/chat/${id}/messages`, { content: "x" })).status).toBe(404);
    expect((await owner.get("/api/chat")).body.data.chats).toEqual([]);
  });
});
