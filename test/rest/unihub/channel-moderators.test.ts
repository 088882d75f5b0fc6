import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { type Caller, directPair, objectOf, openLive, someone } from "../../support.ts";
import { NOBODYS, page, pathsOf } from "../requests.ts";
import { channel, expectError, expectUnauthenticated, NOWHERE, staffed } from "./client.ts";

function promote(by: Caller, id: string, userId: unknown) {
  return by.post(channel(id, "/moderators"), { userId });
}

function demote(by: Caller, id: string, userId: string) {
  return by.delete(channel(id, `/moderators/${userId}`));
}

function invite(by: Caller, id: string, userId: unknown) {
  return by.post(channel(id, "/invitations"), { userId });
}

async function isModerator(caller: Caller, id: string): Promise<boolean> {
  return (await caller.get(channel(id))).body.isModerator;
}

describe("POST /channels/{id}/moderators", () => {
  test("200, and the member is a moderator", async () => {
    const { owner, member, id } = await staffed();
    const o = await openLive(owner, id);
    const answer = await promote(owner, id, member.userId);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: "Moderator added successfully" });
    expect(await isModerator(member, id)).toBe(true);
    expect(await o.next("member")).toMatchObject({
      ...{ cause: "role", member: { userId: member.userId, role: "moderator" } },
    });
    expect((await member.put(channel(id), { name: "Renamed" })).status).toBe(200);
    expect((await member.get("/api/v1/chat/channels/my-channels")).body).toMatchObject([
      { channelId: id, isModerator: true, isOwner: false },
    ]);
  });

  test("400 for users who are not members, known or unknown", async () => {
    const { owner, stranger, id } = await staffed();
    for (const userId of [stranger.userId, someone()]) {
      expectError(await promote(owner, id, userId), 400, "not_in_channel");
    }
  });

  test("400 for a moderator, which the owner is too", async () => {
    const { owner, moderator, id } = await staffed();
    for (const { userId } of [moderator, owner]) {
      expectError(await promote(owner, id, userId), 400, "already_a_moderator");
    }
  });

  test("400 without a userId", async () => {
    const { owner, id } = await staffed();
    for (const userId of [undefined, null, "", 7]) {
      const answer = await promote(owner, id, userId);
      expectError(answer, 400, "invalid_request");
      expect(pathsOf(answer)).toEqual(["userId"]);
    }
  });

  test("401 without a valid token", () =>
    expectUnauthenticated("POST", channel(NOBODYS, "/moderators")));

  test("403 for all but the owner", async () => {
    const { moderator, member, stranger, id } = await staffed();
    expectError(await promote(moderator, id, member.userId), 403, "forbidden");
    expectError(await promote(member, id, member.userId), 403, "forbidden");
    expectError(await promote(stranger, id, member.userId), 403, "not_a_member");
    expect(await isModerator(member, id)).toBe(false);
  });

  test("404 for an id that names no channel", async () => {
    const { alice, bob, conversationId } = await directPair();
    for (const id of [...NOWHERE, conversationId]) {
      expectError(await promote(alice, id, bob.userId), 404, "conversation_not_found");
    }
  });
});

describe("DELETE /channels/{id}/moderators/{moderatorId}", () => {
  test("200, and the moderator is an ordinary member", async () => {
    const { owner, moderator, member, id } = await staffed();
    const answer = await demote(owner, id, moderator.userId);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: "Moderator removed successfully" });
    expect(await isModerator(moderator, id)).toBe(false);
    const path = channel(id, `/members/${member.userId}`);
    expectError(await moderator.delete(path), 403, "forbidden");
    expect((await page(moderator, id)).status).toBe(200);
  });

  test("400 for users who are not moderators, or not members", async () => {
    const { owner, member, stranger, id } = await staffed();
    for (const userId of [member.userId, stranger.userId, someone()]) {
      expectError(await demote(owner, id, userId), 400, "not_a_moderator");
    }
  });

  test("400 for the owner, who cannot be demoted", async () => {
    const { owner, id } = await staffed();
    expectError(await demote(owner, id, owner.userId), 400, "owner_stays");
    expect(await isModerator(owner, id)).toBe(true);
  });

  test("401 without a valid token", () =>
    expectUnauthenticated("DELETE", channel(NOBODYS, "/moderators/x")));

  test("403 for all but the owner, also for demoting oneself", async () => {
    const { moderator, member, stranger, id } = await staffed();
    for (const caller of [moderator, member]) {
      expectError(await demote(caller, id, moderator.userId), 403, "forbidden");
    }
    expectError(await demote(stranger, id, moderator.userId), 403, "not_a_member");
  });

  test("404 for an id that names no channel", async () => {
    const { alice, bob, conversationId } = await directPair();
    for (const id of [...NOWHERE, conversationId]) {
      expectError(await demote(alice, id, bob.userId), 404, "conversation_not_found");
    }
  });
});

describe("POST /channels/{id}/invitations", () => {
  test("200, and the invited user can join, once", async () => {
    const { moderator, stranger, id } = await staffed({ isPublic: false });
    const answer = await invite(moderator, id, stranger.userId);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: "Invitation sent successfully" });
    expectError(await page(stranger, id), 403, "not_a_member");
    expect((await stranger.post(channel(id, "/join"))).status).toBe(200);
    expect((await page(stranger, id)).status).toBe(200);
    // The invitation was used: a removed member needs a new one.
    await moderator.delete(channel(id, `/members/${stranger.userId}`));
    expectError(await stranger.post(channel(id, "/join")), 400, "invitation_required");
    await invite(moderator, id, stranger.userId);
    expect((await stranger.post(channel(id, "/join"))).status).toBe(200);
  });

  test("200 twice, with the same result as once", async () => {
    const { owner, moderator, stranger, id } = await staffed({ isPublic: false });
    for (const by of [owner, moderator]) {
      expect((await invite(by, id, stranger.userId)).status).toBe(200);
    }
    await stranger.post(channel(id, "/join"));
    await stranger.post(channel(id, "/leave"));
    expectError(await stranger.post(channel(id, "/join")), 400, "invitation_required");
  });

  test("400 for a member, for an unknown user, and for an archived channel", async () => {
    const { owner, member, stranger, id } = await staffed({ isPublic: false });
    expectError(await invite(owner, id, member.userId), 400, "already_a_member");
    expectError(await invite(owner, id, someone()), 400, "unknown_user");
    expectError(await invite(owner, id, ""), 400, "invalid_request");
    await owner.post(channel(id, "/archive"));
    expectError(await invite(owner, id, stranger.userId), 400, "channel_archived");
  });

  test("401 without a valid token", () =>
    expectUnauthenticated("POST", channel(NOBODYS, "/invitations")));

  test("403 for members who are not moderators, and for strangers", async () => {
    const { member, stranger, id } = await staffed({ isPublic: false });
    expectError(await invite(member, id, stranger.userId), 403, "forbidden");
    expectError(await invite(stranger, id, stranger.userId), 403, "not_a_member");
    expectError(await stranger.post(channel(id, "/join")), 400, "invitation_required");
  });

  test("404 for an id that names no channel", async () => {
    const { alice, bob, conversationId } = await directPair();
    for (const id of [...NOWHERE, conversationId]) {
      expectError(await invite(alice, id, bob.userId), 404, "conversation_not_found");
    }
  });
});

describe("DELETE /channels/{id}/invitations/{userId}", () => {
  const revoke = (by: Caller, id: string, userId: string) =>
    by.delete(channel(id, `/invitations/${encodeURIComponent(userId)}`));

  test("200 by the owner and by moderators, and the invited user can no longer join", async () => {
    const { owner, moderator, stranger, id } = await staffed({ isPublic: false });
    for (const by of [owner, moderator]) {
      await invite(owner, id, stranger.userId);
      const { status, body } = await revoke(by, id, stranger.userId);
      expect([status, body]).toEqual([200, { message: "Invitation revoked successfully" }]);
      expectError(await stranger.post(channel(id, "/join")), 400, "invitation_required");
      expectError(await revoke(by, id, stranger.userId), 404, "invitation_not_found");
    }
    await invite(owner, id, stranger.userId);
    expect((await stranger.post(channel(id, "/join"))).status).toBe(200);
  });

  test("200 in an archived channel; after unarchiving, the invited user cannot join", async () => {
    const { owner, stranger, id } = await staffed({ isPublic: false });
    await invite(owner, id, stranger.userId);
    await owner.post(channel(id, "/archive"));
    expect((await revoke(owner, id, stranger.userId)).status).toBe(200);
  });

  test("401 without a valid token", () =>
    expectUnauthenticated("DELETE", channel(NOBODYS, "/invitations/somebody")));

  test("403 for members who are not moderators and for strangers, also without an invitation", async () => {
    const { owner, member, stranger, id } = await staffed({ isPublic: false });
    await invite(owner, id, stranger.userId);
    for (const userId of [stranger.userId, someone()]) {
      expectError(await revoke(member, id, userId), 403, "forbidden");
      expectError(await revoke(stranger, id, userId), 403, "not_a_member");
    }
  });

  test("404 for users who were not invited or have joined, and for an id that names no channel", async () => {
    const { owner, stranger, id } = await staffed({ isPublic: false });
    expectError(await revoke(owner, id, someone()), 404, "invitation_not_found");
    await invite(owner, id, stranger.userId);
    await stranger.post(channel(id, "/join"));
    expectError(await revoke(owner, id, stranger.userId), 404, "invitation_not_found");
    const { alice, bob, conversationId } = await directPair();
    for (const nowhere of [...NOWHERE, conversationId]) {
      expectError(await revoke(alice, nowhere, bob.userId), 404, "conversation_not_found");
    }
  });
});

describe("an invitation", () => {
  const DAY = 24 * 3_600_000;

  /** Advances the clock of the object only, so that tokens stay valid. */
  async function later(id: string, milliseconds: number): Promise<void> {
    await runInDurableObject(objectOf(id), (_, { storage }) => {
      storage.sql.exec("UPDATE invitations SET invited_at = invited_at - ?", milliseconds);
    });
  }

  test("is valid for 30 days, and renewed by another", async () => {
    const { owner, moderator, stranger, id } = await staffed({ isPublic: false });
    await invite(owner, id, stranger.userId);
    await later(id, 30 * DAY + 1);
    expectError(await stranger.post(channel(id, "/join")), 400, "invitation_required");
    const path = channel(id, `/invitations/${stranger.userId}`);
    expectError(await owner.delete(path), 404, "invitation_not_found");
    await invite(owner, id, stranger.userId);
    await later(id, 29 * DAY);
    await invite(moderator, id, stranger.userId);
    await later(id, 29 * DAY);
    expect((await stranger.post(channel(id, "/join"))).status).toBe(200);
  });

  test("is used up by joining the channel while it is public", async () => {
    const { owner, stranger, id } = await staffed({ isPublic: true });
    await invite(owner, id, stranger.userId);
    await later(id, 31 * DAY);
    expect((await stranger.post(channel(id, "/join"))).status).toBe(200);
    await runInDurableObject(objectOf(id), (_, { storage }) => {
      expect(storage.sql.exec("SELECT * FROM invitations").toArray()).toEqual([]);
    });
  });
});
