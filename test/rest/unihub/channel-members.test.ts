import { describe, expect, test } from "vitest";
import { directPair, openLive, person, send, someone, unreadOf } from "../../support.ts";
import { ISO_TIME, NOBODYS, page } from "../requests.ts";
import { channel, expectError, expectUnauthenticated, NOWHERE, sent, staffed } from "./client.ts";

describe("POST /channels/{id}/join", () => {
  test("200, and the caller is a member: the history is visible, and none of it unread", async () => {
    const { owner, stranger, id } = await staffed();
    await sent(owner, id, "before");
    const o = await openLive(owner, id);
    const answer = await stranger.post(channel(id, "/join"));
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: "Successfully joined channel" });
    expect(await o.next("member")).toMatchObject({
      ...{ cause: "joined", member: { userId: stranger.userId, role: "member" } },
    });
    // No system message, unlike in a group.
    expect((await page(stranger, id)).body.items).toMatchObject([{ content: "before" }]);
    expect(await unreadOf(stranger, id)).toBe(0);
    await sent(owner, id, "after");
    expect(await unreadOf(stranger, id)).toBe(1);
  });

  test("200 for a former member; messages sent in between are not unread", async () => {
    const { owner, member, id } = await staffed();
    await member.post(channel(id, "/leave"));
    await sent(owner, id, "meanwhile");
    expect((await member.post(channel(id, "/join"))).status).toBe(200);
    expect(await unreadOf(member, id)).toBe(0);
    expect((await member.get(channel(id))).body).toMatchObject({ memberCount: 3 });
  });

  test("400 for a member", async () => {
    const { owner, member, id } = await staffed();
    for (const caller of [owner, member]) {
      expectError(await caller.post(channel(id, "/join")), 400, "already_a_member");
    }
  });

  test("400 for a private channel without an invitation", async () => {
    const { stranger, id } = await staffed({ isPublic: false });
    expectError(await stranger.post(channel(id, "/join")), 400, "invitation_required");
    expectError(await page(stranger, id), 403, "not_a_member");
  });

  test("400 for an archived channel", async () => {
    const { owner, stranger, id } = await staffed();
    await owner.post(channel(id, "/archive"));
    expectError(await stranger.post(channel(id, "/join")), 400, "channel_archived");
  });

  test("401 without a valid token", () => expectUnauthenticated("POST", channel(NOBODYS, "/join")));

  test("404 for an id that names no channel", async () => {
    const { alice, conversationId } = await directPair();
    for (const id of [...NOWHERE, conversationId]) {
      expectError(await alice.post(channel(id, "/join")), 404, "conversation_not_found");
    }
  });
});

describe("POST /channels/{id}/leave", () => {
  test("200, and the caller is no longer a member: sockets are closed, nothing is visible", async () => {
    const { owner, member, id } = await staffed();
    const [o, m] = [await openLive(owner, id), await openLive(member, id)];
    const answer = await member.post(channel(id, "/leave"));
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: "Successfully left channel" });
    expect(await m.closed).toMatchObject({ code: 4403 });
    expect(await o.next("member")).toMatchObject({
      ...{ cause: "left", member: { userId: member.userId, leftAt: expect.any(String) } },
    });
    expectError(await page(member, id), 403, "not_a_member");
    expectError(await send(member, id, "x"), 403, "not_a_member");
    expect((await page(owner, id)).body.totalCount).toBe(0);
  });

  test("200 for a moderator, who is no longer a moderator after joining again", async () => {
    const { moderator, id } = await staffed();
    expect((await moderator.post(channel(id, "/leave"))).status).toBe(200);
    await moderator.post(channel(id, "/join"));
    expect((await moderator.get(channel(id))).body.isModerator).toBe(false);
  });

  test("400 for users who are not, or no longer, members", async () => {
    const { member, stranger, id } = await staffed();
    expectError(await stranger.post(channel(id, "/leave")), 400, "not_in_channel");
    await member.post(channel(id, "/leave"));
    expectError(await member.post(channel(id, "/leave")), 400, "not_in_channel");
  });

  test("400 for the owner, who stays a member", async () => {
    const { owner, id } = await staffed();
    expectError(await owner.post(channel(id, "/leave")), 400, "owner_stays");
    expect((await owner.get(channel(id))).body.isOwner).toBe(true);
  });

  test("401 without a valid token", () =>
    expectUnauthenticated("POST", channel(NOBODYS, "/leave")));

  test("404 for an id that names no channel", async () => {
    const { alice, conversationId } = await directPair();
    for (const id of [...NOWHERE, conversationId]) {
      expectError(await alice.post(channel(id, "/leave")), 404, "conversation_not_found");
    }
  });
});

describe("GET /channels/{id}/members", () => {
  test("200 with the members, in pages", async () => {
    const { owner, moderator, member, stranger, id } = await staffed();
    await stranger.post(channel(id, "/join"));
    await stranger.post(channel(id, "/leave"));
    const { status, body } = await member.get(channel(id, "/members"));
    expect(status).toBe(200);
    const facts = { name: null, avatarUrl: null, joinedAt: expect.stringMatching(ISO_TIME) };
    const all = [
      { ...facts, userId: owner.userId, isModerator: true, isOwner: true },
      { ...facts, userId: moderator.userId, isModerator: true, isOwner: false },
      { ...facts, userId: member.userId, name: "Member", isModerator: false, isOwner: false },
    ].toSorted((a, b) => (a.userId < b.userId ? -1 : 1));
    expect(body).toEqual(all);
    const second = await member.get(channel(id, "/members?pageSize=2&page=2"));
    expect(second.body).toEqual(all.slice(2));
    for (const page of [9, Number.MAX_SAFE_INTEGER]) {
      const beyond = await member.get(channel(id, `/members?page=${page}`));
      expect(beyond).toMatchObject({ status: 200, body: [] });
    }
  });

  test.each(["page=0", "pageSize=0", "pageSize=501", "page=one"])("400 for %s", async (query) => {
    const { owner, id } = await staffed();
    expectError(await owner.get(channel(id, `/members?${query}`)), 400, "invalid_request");
  });

  test("401 without a valid token", () =>
    expectUnauthenticated("GET", channel(NOBODYS, "/members")));

  test("403 for strangers, also in a public channel", async () => {
    const { stranger, id } = await staffed();
    expectError(await stranger.get(channel(id, "/members")), 403, "not_a_member");
  });

  test("404 for an unknown id", async () => {
    const alice = await person("alice");
    for (const id of NOWHERE) {
      expectError(await alice.get(channel(id, "/members")), 404, "conversation_not_found");
    }
  });

  test("404 for a conversation that is not a channel", async () => {
    const { alice, conversationId } = await directPair();
    const answer = await alice.get(channel(conversationId, "/members"));
    expectError(answer, 404, "conversation_not_found");
  });
});

describe("DELETE /channels/{id}/members/{userId}", () => {
  test("200 for moderators, and the removed user is no longer a member", async () => {
    const { moderator, member, id } = await staffed();
    const m = await openLive(member, id);
    const answer = await moderator.delete(channel(id, `/members/${member.userId}`));
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: "Member removed successfully" });
    expect(await m.closed).toMatchObject({ code: 4403 });
    expect(m.events.at(-1)).toMatchObject({ type: "member", cause: "removed" });
    expectError(await page(member, id), 403, "not_a_member");
  });

  test("200 for removing another moderator, also by the owner", async () => {
    const { owner, moderator, member, id } = await staffed();
    await owner.post(channel(id, "/moderators"), { userId: member.userId });
    expect((await moderator.delete(channel(id, `/members/${member.userId}`))).status).toBe(200);
    expect((await owner.delete(channel(id, `/members/${moderator.userId}`))).status).toBe(200);
    expect((await owner.get(channel(id))).body.memberCount).toBe(1);
  });

  test("400 for the owner, who stays a member", async () => {
    const { owner, moderator, id } = await staffed();
    const answer = await moderator.delete(channel(id, `/members/${owner.userId}`));
    expectError(answer, 400, "owner_stays");
  });

  test("401 without a valid token", () =>
    expectUnauthenticated("DELETE", channel(NOBODYS, "/members/x")));

  test("403 for members who are not moderators, and for strangers", async () => {
    const { moderator, member, stranger, id } = await staffed();
    const path = channel(id, `/members/${moderator.userId}`);
    expectError(await member.delete(path), 403, "forbidden");
    expectError(await stranger.delete(path), 403, "not_a_member");
  });

  test("404 for users who are not, or no longer, members, and for an id that names no channel", async () => {
    const { owner, member, stranger, id } = await staffed();
    await member.post(channel(id, "/leave"));
    for (const userId of [stranger.userId, member.userId, someone()]) {
      const answer = await owner.delete(channel(id, `/members/${userId}`));
      expectError(answer, 404, "participant_not_found");
    }
    const { alice, bob, conversationId } = await directPair();
    for (const other of [...NOWHERE, conversationId]) {
      const answer = await alice.delete(channel(other, `/members/${bob.userId}`));
      expectError(answer, 404, "conversation_not_found");
    }
  });
});
