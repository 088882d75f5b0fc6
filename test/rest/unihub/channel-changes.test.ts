import { describe, expect, test } from "vitest";
import { type Caller, directPair, openLive, person, send } from "../../support.ts";
import { NOBODYS, page, pathsOf } from "../requests.ts";
import {
  CHANNELS,
  channel,
  expectError,
  expectUnauthenticated,
  message,
  NOWHERE,
  sent,
  staffed,
} from "./client.ts";

async function isListed(caller: Caller, id: string): Promise<boolean> {
  const { body } = await caller.get(`${CHANNELS}/public`);
  return body.some((entry: { channelId: string }) => entry.channelId === id);
}

describe("PUT /channels/{id}", () => {
  test("200 for moderators and the owner; missing fields stay unchanged", async () => {
    const { owner, moderator, member, id } = await staffed();
    const m = await openLive(member, id);
    const answer = await moderator.put(channel(id), { name: "Updated Channel Name" });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: "Channel updated successfully" });
    expect((await m.next("conversation")).conversation.title).toBe("Updated Channel Name");
    await owner.put(channel(id), { description: " Updated description " });
    for (const read of [channel(id), `${CHANNELS}/my-channels`]) {
      const { body } = await member.get(read);
      expect(Array.isArray(body) ? body[0] : body).toMatchObject({
        ...{ name: "Updated Channel Name", description: "Updated description" },
      });
    }
    for (const end of ["\r\n", "\r"]) {
      await owner.put(channel(id), { description: `one${end}two${end}`, name: null });
      expect((await member.get(channel(id))).body).toMatchObject({
        ...{ name: "Updated Channel Name", description: "one\ntwo" },
      });
    }
    await owner.put(channel(id), { name: "Again", description: null });
    const { body } = await member.get(channel(id));
    expect(body).toMatchObject({ name: "Again", description: null });
  });

  test.each([
    ["", {}],
    ["name", { name: "ab" }],
    ["name", { name: "x".repeat(101) }],
    ["", { name: null }],
    ["description", { description: "x".repeat(501) }],
  ])("400 for a wrong %j: %j", async (path, body) => {
    const { owner, id } = await staffed();
    const answer = await owner.put(channel(id), body);
    expectError(answer, 400, "invalid_request");
    expect(pathsOf(answer)).toEqual([path]);
  });

  test("400 while the channel is archived", async () => {
    const { owner, id } = await staffed();
    await owner.post(channel(id, "/archive"));
    expectError(await owner.put(channel(id), { name: "Renamed" }), 400, "channel_archived");
  });

  test("401 without a valid token", () => expectUnauthenticated("PUT", channel(NOBODYS)));

  test("403 for members who are not moderators, and for strangers", async () => {
    const { member, stranger, id } = await staffed();
    const admin = await person("admin", { role: "admin" });
    expectError(await member.put(channel(id), { name: "Mine" }), 403, "forbidden");
    expectError(await stranger.put(channel(id), { name: "Mine" }), 403, "not_a_member");
    expectError(await admin.put(channel(id), { name: "Mine" }), 403, "not_a_member");
    expect((await member.get(channel(id))).body.name).toBe("Channel");
  });

  test("404 for an id that names no channel", async () => {
    const { alice, conversationId } = await directPair();
    for (const id of [...NOWHERE, conversationId]) {
      const answer = await alice.put(channel(id), { name: "Renamed" });
      expectError(answer, 404, "conversation_not_found");
    }
  });
});

describe("POST /channels/{id}/archive and /unarchive", () => {
  test("200, and the public list no longer has the channel, or has it again", async () => {
    const { owner, member, stranger, id } = await staffed();
    const m = await openLive(member, id);
    expect(await isListed(stranger, id)).toBe(true);
    const answer = await owner.post(channel(id, "/archive"));
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ message: "Channel archived successfully" });
    expect((await m.next("conversation")).conversation.archivedAt).toEqual(expect.any(String));
    expect(await isListed(stranger, id)).toBe(false);
    const { body } = await member.get(`${CHANNELS}/my-channels`);
    expect(body).toMatchObject([{ channelId: id, isArchived: true }]);
    const back = await owner.post(channel(id, "/unarchive"));
    expect(back.status).toBe(200);
    expect(back.body).toEqual({ message: "Channel unarchived successfully" });
    expect((await m.next("conversation")).conversation.archivedAt).toBeNull();
    expect(await isListed(stranger, id)).toBe(true);
    expect((await send(member, id, "we are back")).status).toBe(201);
  });

  test("200 twice, and the second call changes nothing", async () => {
    const { owner, member, id } = await staffed();
    const m = await openLive(member, id);
    for (const path of ["/unarchive", "/archive", "/archive"]) {
      expect((await owner.post(channel(id, path))).status).toBe(200);
    }
    await member.post(channel(id, "/leave"));
    await m.closed;
    expect(m.all("conversation")).toHaveLength(1);
  });

  test("an archived channel can only be read: 400 for every change", async () => {
    const { owner, moderator, member, stranger, id } = await staffed();
    const messageId = await sent(member, id, "the last word");
    const m = await openLive(member, id);
    await owner.post(channel(id, "/archive"));
    const refused = [
      await send(owner, id, "one more"),
      await member.post(message(messageId, "/reactions"), { emoji: "👍" }),
      await stranger.post(channel(id, "/join")),
      await moderator.post(channel(id, "/invitations"), { userId: stranger.userId }),
    ];
    for (const answer of refused) expectError(answer, 400, "channel_archived");
    for (const op of [
      { op: "edit", messageId, content: "edited" },
      { op: "delete", messageId },
      { op: "send", content: "by socket" },
    ]) {
      m.send(op);
      expect((await m.next("error")).code).toBe("channel_archived");
    }
    const { body } = await page(moderator, id);
    expect(body.items).toMatchObject([{ content: "the last word", isDeleted: false }]);
    expect((await member.post(channel(id, "/leave"))).status).toBe(200);
  });

  test.each(["/archive", "/unarchive"])("401 without a valid token: %s", (path) =>
    expectUnauthenticated("POST", channel(NOBODYS, path)),
  );

  test.each(["/archive", "/unarchive"])("403 for all but the owner: %s", async (path) => {
    const { moderator, member, stranger, id } = await staffed();
    for (const caller of [moderator, member]) {
      expectError(await caller.post(channel(id, path)), 403, "forbidden");
    }
    expectError(await stranger.post(channel(id, path)), 403, "not_a_member");
  });

  test.each(["/archive", "/unarchive"])("404 for an id that names no channel: %s", async (path) => {
    const { alice, conversationId } = await directPair();
    for (const id of [...NOWHERE, conversationId]) {
      expectError(await alice.post(channel(id, path)), 404, "conversation_not_found");
    }
  });
});
