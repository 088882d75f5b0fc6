import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { Hub } from "../gateway/line.ts";
import {
  type Caller,
  channelOf,
  evict,
  groupOf,
  open,
  openLive,
  person,
  send,
  someone,
} from "../support.ts";

/** Bans from groups and channels: who is out, for how long, and by which doors nobody comes back. */

const CHANNELS = "/api/v1/chat/channels";
const CONVERSATIONS = "/api/v1/chat/conversations";

async function staffed(more: { isPublic?: boolean } = {}) {
  const [ada, mo, bob] = await Promise.all([person("ada"), person("mo"), person("bob")]);
  const channelId = await channelOf(ada, [mo, bob], more);
  await ada.post(`${CHANNELS}/${channelId}/moderators`, { userId: mo.userId });
  return { ada, mo, bob, channelId, bans: `${CHANNELS}/${channelId}/bans` };
}

const soon = () => new Date(Date.now() + 60_000).toISOString();

function atTime(time: number): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(time);
}

test("a ban ends sockets and gateways in its commit, and is shown to moderators", async () => {
  const { ada, mo, bob, channelId, bans } = await staffed();
  const [socket, seen, hub] = [
    await openLive(bob, channelId),
    await openLive(ada, channelId),
    await Hub.connect(bob),
  ];
  await hub.ask("JoinConversation", channelId);
  const expiresAt = soon();
  const banned = await mo.post(bans, { userId: bob.userId, reason: "spam", expiresAt });
  expect(banned.status).toBe(204);
  expect(await socket.closed).toMatchObject({ code: 4403 });
  expect(socket.events.at(-1)).toMatchObject({ type: "member", cause: "removed" });
  await seen.next("member", ({ member }) => member.userId === bob.userId);
  await hub.until("ParticipantRemoved", 1);
  await send(ada, channelId, "without Bob");
  await seen.next("message");
  expect(hub.all("ReceiveMessage")).toEqual([]);
  expect((await hub.ask("JoinConversation", channelId)).error).toContain("banned");
  expect((await ada.get(bans)).body.items).toEqual([
    {
      userId: bob.userId,
      name: null,
      bannedBy: mo.userId,
      bannedAt: expect.any(String),
      ...{ expiresAt, reason: "spam" },
    },
  ]);
  expect((await bob.get(bans)).body.code).toBe("banned_here");
});

test("whoever is banned comes back by no door, until the ban is lifted", async () => {
  const { ada, mo, bob, channelId, bans } = await staffed({ isPublic: true });
  const channel = `${CHANNELS}/${channelId}`;
  const lift = () => ada.delete(`${bans}/${bob.userId}`);
  expect((await lift()).body.code).toBe("ban_not_found");
  await mo.post(bans, { userId: bob.userId });
  await evict(channelId);
  const refused = async (answer: Promise<{ body: { code: string }; status: number }>) => {
    const { body, status } = await answer;
    expect({ status, code: body.code }).toEqual({ status: 403, code: "banned_here" });
  };
  await refused(bob.post(`${channel}/join`));
  await refused(mo.post(`${channel}/invitations`, { userId: bob.userId }));
  await refused(send(bob, channelId, "let me in"));
  await refused(bob.get(`/api/v1/chat/messages?conversationId=${channelId}`));
  expect(await (await open(bob, channelId)).closed).toMatchObject({ code: 4403 });
  expect((await bob.get(channel)).status).toBe(200);
  expect((await lift()).status).toBe(204);
  expect((await ada.get(bans)).body.items).toEqual([]);
  expect((await bob.post(`${channel}/join`)).status).toBe(200);
});

test("a ban uses up the invitation of somebody who is no member", async () => {
  const { mo, channelId, bans } = await staffed({ isPublic: false });
  const eve = await person("eve");
  const channel = `${CHANNELS}/${channelId}`;
  await mo.post(`${channel}/invitations`, { userId: eve.userId });
  expect((await mo.post(bans, { userId: eve.userId, expiresAt: soon() })).status).toBe(204);
  await mo.delete(`${bans}/${eve.userId}`);
  expect((await eve.post(`${channel}/join`)).body.code).toBe("invitation_required");
  expect((await mo.post(bans, { userId: someone("nobody") })).body.code).toBe("unknown_user");
});

test("a ban expires by the clock, and nothing is written for it", async () => {
  const { mo, bob, channelId, bans } = await staffed();
  await mo.post(bans, { userId: bob.userId, expiresAt: soon() });
  try {
    atTime(Date.now() + 61_000);
    expect((await mo.get(bans)).body.items).toEqual([]);
    expect((await bob.post(`${CHANNELS}/${channelId}/join`)).status).toBe(200);
  } finally {
    vi.useRealTimers();
  }
  const past = new Date(Date.now() - 1).toISOString();
  const refused = await mo.post(bans, { userId: bob.userId, expiresAt: past });
  expect(refused.body.code).toBe("end_in_the_past");
});

test("a group bans at its own address: adding again is refused, and one who owned it has an heir", async () => {
  const [alice, bob, carl] = await Promise.all([person("alice"), person("bob"), person("carl")]);
  const group = await groupOf(alice, bob, carl, await person("dee"));
  const bans = `${CONVERSATIONS}/${group}/bans`;
  expect((await alice.post(bans, { userId: bob.userId })).status).toBe(204);
  const participants = `${CONVERSATIONS}/${group}/participants`;
  const added = await alice.post(participants, { participantId: bob.userId });
  expect(added).toMatchObject({ status: 403, body: { code: "banned_here" } });
  expect((await alice.post(`${CHANNELS}/${group}/bans`, { userId: carl.userId })).status).toBe(404);
  const admin = await person("admin", { role: "admin" });
  const chat = `/api/chat/${group}/bans`;
  expect((await admin.post(chat, { userId: alice.userId, reason: "fraud" })).status).toBe(200);
  expect((await admin.get(chat)).body.data.items).toHaveLength(2);
  expect((await carl.get(bans)).status).toBe(200);
});

test("who has no higher role bans nobody", async () => {
  const { ada, mo, bob, bans } = await staffed();
  const codeOf = async (by: Caller, whom: Caller) =>
    (await by.post(bans, { userId: whom.userId })).body?.code;
  expect(await codeOf(bob, mo)).toBe("forbidden");
  expect(await codeOf(mo, ada)).toBe("forbidden");
  expect(await codeOf(mo, mo)).toBe("forbidden");
  expect(await codeOf(ada, ada)).toBe("forbidden");
  expect(await codeOf(ada, mo)).toBeUndefined();
});

test("each act reaches D1 once, with who, whom, what and why", async () => {
  const { ada, mo, bob, channelId, bans } = await staffed();
  const { body } = await send(bob, channelId, "buy now");
  await mo.delete(`/api/v1/chat/messages/${body.messageId}`);
  await mo.post(`${CHANNELS}/${channelId}/invitations`, { userId: (await person("eve")).userId });
  await mo.post(bans, { userId: bob.userId, reason: "spam" });
  await ada.delete(`${bans}/${bob.userId}`);
  const acts = async () => {
    const { results } = await env.DB.prepare(
      `SELECT actor_id, actor_role, action, target_id, message_number, reason FROM audit
       WHERE conversation_id = ? ORDER BY at, rowid`,
    )
      .bind(channelId)
      .all();
    return results.map((row) => Object.values(row));
  };
  const expected = [
    [ada.userId, "owner", "member.role", mo.userId, null, null],
    [mo.userId, "moderator", "message.delete", bob.userId, 1, null],
    [mo.userId, "moderator", "member.invite", expect.stringMatching(/^eve/), null, null],
    [mo.userId, "moderator", "member.ban", bob.userId, null, "spam"],
    [ada.userId, "owner", "member.unban", bob.userId, null, null],
  ];
  await vi.waitFor(async () => expect(await acts()).toEqual(expected));
  const rebuilt = await env.CONVERSATIONS.getByName(channelId).rebuild("start");
  expect(rebuilt?.projectedRev).toBe(rebuilt?.rev);
  expect(await acts()).toEqual(expected);
});
