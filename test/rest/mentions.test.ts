import { exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { channelOf, groupOf, ORIGIN, person, send, someone } from "../support.ts";

/** Mentions in both APIs, beyond their references. */

async function groupOfThree() {
  const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
  return { alice, bob, carol, group: await groupOf(alice, bob, carol) };
}

describe("UniHub", () => {
  test("a send mentions people, and everybody; messages, lists and previews show it", async () => {
    const { alice, bob, carol, group } = await groupOfThree();
    const one = await send(alice, group, "one", { mentions: [bob.userId] });
    const two = await send(alice, group, "two", { mentionsAll: true });
    const three = await send(alice, group, "three", { mentions: null, mentionsAll: null });
    expect([one, two, three].map(({ status }) => status)).toEqual([201, 201, 201]);
    const page = await bob.get(`/api/v1/chat/messages?conversationId=${group}`);
    const [third, second, first] = page.body.items;
    expect(first).toMatchObject({ mentions: [bob.userId] });
    expect(first).not.toHaveProperty("mentionsAll");
    expect(second).toMatchObject({ mentionsAll: true });
    expect(second).not.toHaveProperty("mentions");
    for (const field of ["mentions", "mentionsAll"]) expect(third).not.toHaveProperty(field);
    const unread = async () => {
      const lists = await Promise.all(
        [bob, carol, alice].map((who) => who.get("/api/v1/chat/conversations")),
      );
      return lists.map(({ body }) => body[0].unreadMentions);
    };
    expect(await unread()).toEqual([2, 1, 0]);
    await bob.patch(`/api/chat/${group}/messages/read`);
    expect(await unread()).toEqual([0, 1, 0]);
    const last = await send(alice, group, "last", { mentions: [carol.userId] });
    expect(last.status).toBe(201);
    const { body } = await carol.get("/api/v1/chat/conversations");
    expect(body[0].lastMessage).toMatchObject({ content: "last", mentions: [carol.userId] });
  });

  test("totals of unread messages and mentions, in channels as well", async () => {
    const { alice, bob, carol, group } = await groupOfThree();
    await send(alice, group, "one", { mentions: [bob.userId] });
    await send(alice, group, "two");
    const channel = await channelOf(carol, [bob]);
    await send(carol, channel, "three", { mentionsAll: true });
    const unread = async (of: typeof bob) => (await of.get("/api/v1/chat/unread")).body;
    expect(await unread(bob)).toEqual({
      ...{ totalUnread: 3, totalMentions: 2, unreadConversations: 2 },
    });
    expect((await bob.get("/api/chat/stats")).body.data).toEqual({
      ...{ totalChats: 1, totalMessages: 2, totalUnread: 2, totalMentions: 1, unreadChats: 1 },
    });
    await bob.patch(`/api/chat/${group}/messages/read`);
    expect(await unread(bob)).toEqual({
      ...{ totalUnread: 1, totalMentions: 1, unreadConversations: 1 },
    });
    expect(await unread(alice)).toEqual({
      ...{ totalUnread: 0, totalMentions: 0, unreadConversations: 0 },
    });
  });

  test.each([
    [
      "400 invalid_mentions: a stranger",
      () => ({ mentions: [someone()] }),
      "invalid_mentions",
      400,
    ],
    ["400 invalid_request: twice", () => ({ mentions: ["x", "x"] }), "invalid_request", 400],
    ["400 invalid_request: an empty id", () => ({ mentions: [""] }), "invalid_request", 400],
    ["400 invalid_request: a text", () => ({ mentions: "x" }), "invalid_request", 400],
    ["400 invalid_request: no flag", () => ({ mentionsAll: "yes" }), "invalid_request", 400],
    [
      "400 invalid_request: more than 50",
      () => ({ mentions: Array.from({ length: 51 }, () => someone()) }),
      "invalid_request",
      400,
    ],
    ["403 forbidden: everybody, by a member", () => ({ mentionsAll: true }), "forbidden", 403],
  ])("%s", async (_, more, code, status) => {
    const { bob, group } = await groupOfThree();
    const refused = await send(bob, group, "hello", more());
    expect(refused).toMatchObject({ status, body: { code } });
    const page = await bob.get(`/api/v1/chat/messages?conversationId=${group}`);
    expect(page.body.totalCount).toBe(0);
  });

  test("50 people may be mentioned, a moderator of a channel may mention everybody", async () => {
    const people = await Promise.all(Array.from({ length: 50 }, () => person()));
    const owner = await person("owner");
    const [moderator] = people;
    if (!moderator) throw new Error("nobody");
    const channel = await channelOf(owner, people);
    const mentions = people.map(({ userId }) => userId);
    expect((await send(owner, channel, "all fifty", { mentions })).status).toBe(201);
    expect((await send(moderator, channel, "all", { mentionsAll: true })).status).toBe(403);
    const { userId } = moderator;
    await owner.post(`/api/v1/chat/channels/${channel}/moderators`, { userId });
    expect((await send(moderator, channel, "all", { mentionsAll: true })).status).toBe(201);
  });
});

describe("the marketplace", () => {
  test("sends, edits, files, lists and info show mentions", async () => {
    const { alice, bob, group } = await groupOfThree();
    const messages = `/api/chat/${group}/messages`;
    const mentions = [bob.userId];
    const sent = await alice.post(messages, { content: "one", mentions, mentionsAll: true });
    expect(sent.body.data.message).toMatchObject({ mentions, mentionsAll: true });
    const message = `${messages}/${sent.body.data.message._id}`;
    const edited = await alice.put(message, { content: "two", mentionsAll: false });
    expect(edited.body.data.message).toMatchObject({ content: "two", mentions });
    expect(edited.body.data.message).not.toHaveProperty("mentionsAll");
    const form = new FormData();
    form.set("file", new File(["a,b\n1,2\n"], "table.csv", { type: "text/csv" }));
    form.set("mentions", JSON.stringify(mentions));
    form.set("mentionsAll", "true");
    const upload = () =>
      exports.default.fetch(`${ORIGIN}${messages}/file`, {
        method: "POST",
        headers: { Authorization: `Bearer ${alice.token}` },
        body: form,
      });
    const file = await upload();
    expect(file.status).toBe(201);
    expect(await file.json()).toMatchObject({ data: { message: { mentions, mentionsAll: true } } });
    for (const wrong of ["not JSON", '["x","x"]', "{}"]) {
      form.set("mentions", wrong);
      const refused = await upload();
      expect(await refused.json()).toMatchObject({ code: "invalid_request" });
    }
    const { body } = await bob.get("/api/chat");
    expect(body.data.chats[0]).toMatchObject({
      unreadMentions: 2,
      lastMessage: { mentions, mentionsAll: true },
    });
    const info = await bob.get(`/api/chat/${group}/info`);
    expect(info.body.data.chat).toMatchObject({ unreadMentions: 2 });
    expect((await alice.get(`/api/chat/${group}/info`)).body.data.chat.unreadMentions).toBe(0);
  });

  test("400 invalid_mentions and 403 forbidden in edits, which change nothing", async () => {
    const { bob, group } = await groupOfThree();
    const messages = `/api/chat/${group}/messages`;
    const { body } = await bob.post(messages, { content: "one" });
    const message = `${messages}/${body.data.message._id}`;
    const stranger = await bob.put(message, { content: "two", mentions: [someone()] });
    expect(stranger).toMatchObject({ status: 400, body: { code: "invalid_mentions" } });
    const all = await bob.put(message, { content: "two", mentionsAll: true });
    expect(all).toMatchObject({ status: 403, body: { code: "forbidden" } });
    const page = await bob.get(messages);
    expect(page.body.data.messages[0]).toMatchObject({ content: "one", editedAt: null });
  });
});
