import { afterEach, describe, expect, test, vi } from "vitest";
import type { NotifiableQuery } from "../../src/domain/notification.ts";
import { type Caller, channelOf, directPair, groupOf, objectOf, person, send } from "../support.ts";

afterEach(() => void vi.useRealTimers());

/** What the conversation has to notify a person of. */
async function asked(
  { userId }: Caller,
  conversationId: string,
  query: Partial<NotifiableQuery> = {},
) {
  const answer = await objectOf(conversationId).notifiable({
    ...{ userId, level: "all", after: undefined, ...query },
  });
  if (!answer) throw new Error("the conversation exists");
  return answer;
}

async function textOf(...parameters: Parameters<typeof asked>): Promise<string | undefined> {
  return (await asked(...parameters)).notifiable?.message.text;
}

async function sentId(...parameters: Parameters<typeof send>): Promise<string> {
  return (await send(...parameters)).body.messageId;
}

function edit(by: Caller, conversationId: string, messageId: string, body: object) {
  return by.put(`/api/chat/${conversationId}/messages/${messageId}`, body);
}

describe("of all messages", () => {
  test("the newest of others that is unread, with its sender and the unread count", async () => {
    const { alice, bob, conversationId } = await directPair();
    await send(alice, conversationId, "first");
    const id = await sentId(alice, conversationId, "second");
    await send(bob, conversationId, "own");
    const { notifiable } = await asked(bob, conversationId);
    expect(notifiable).toMatchObject({
      conversation: { id: conversationId, kind: "direct" },
      message: { id, senderId: alice.userId, text: "second", attachments: 0 },
      ...{ reason: "message", unread: 2 },
    });
    expect(await textOf(alice, conversationId)).toBe("own");
  });

  test("nothing of what was read, in order or not, nor of what was deleted", async () => {
    const { alice, bob, conversationId } = await directPair();
    await send(alice, conversationId, "first");
    const second = await sentId(alice, conversationId, "second");
    const third = await sentId(alice, conversationId, "third");
    await bob.post(`/api/v1/chat/messages/${third}/read`);
    expect(await textOf(bob, conversationId)).toBe("second");
    await alice.delete(`/api/chat/${conversationId}/messages/${second}`);
    expect(await textOf(bob, conversationId)).toBe("first");
    await bob.patch(`/api/chat/${conversationId}/messages/read`);
    expect(await textOf(bob, conversationId)).toBeUndefined();
  });

  test("nothing that was asked before; of another epoch that means nothing", async () => {
    const { alice, bob, conversationId } = await directPair();
    await send(alice, conversationId, "first");
    const { epoch, rev } = await asked(bob, conversationId);
    expect(await textOf(bob, conversationId, { after: { epoch, rev } })).toBeUndefined();
    expect(await textOf(bob, conversationId, { after: { epoch: "other", rev } })).toBe("first");
    await send(alice, conversationId, "second");
    expect(await textOf(bob, conversationId, { after: { epoch, rev } })).toBe("second");
  });

  test("nothing silent or of the system, and nothing for those who are no members", async () => {
    const { alice, bob, conversationId } = await directPair();
    await send(alice, conversationId, "silent", { silent: true, mentions: [bob.userId] });
    expect(await textOf(bob, conversationId)).toBeUndefined();
    await send(alice, conversationId, "system", { type: "system" });
    await send(alice, conversationId, "loud");
    expect(await textOf(bob, conversationId)).toBe("loud");
    expect(await textOf(await person("stranger"), conversationId)).toBeUndefined();
    const carol = await person("carol");
    const group = await groupOf(alice, bob, carol);
    await send(alice, group, "for three");
    expect(await textOf(carol, group)).toBe("for three");
    await alice.delete(`/api/v1/chat/conversations/${group}/participants/${carol.userId}`);
    expect(await textOf(carol, group)).toBeUndefined();
  });

  test("the latest text, at most 140 characters of it", async () => {
    const { alice, bob, conversationId } = await directPair();
    const id = await sentId(alice, conversationId, "before");
    await edit(alice, conversationId, id, { content: "🎉".repeat(141) });
    expect(await textOf(bob, conversationId)).toBe("🎉".repeat(140));
  });

  test("where it must have been unread for a while: when that is over for the oldest, then the newest", async () => {
    const { alice, bob, conversationId } = await directPair();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const first = await sentId(alice, conversationId, "first");
    const sentAt = Date.now();
    vi.setSystemTime(sentAt + 6_000);
    await send(alice, conversationId, "second");
    const query = { unreadForMs: 10_000 };
    expect(await asked(bob, conversationId, query)).toEqual({
      ...{ epoch: expect.any(String), rev: expect.any(Number), notifiableAt: sentAt + 10_000 },
    });
    vi.setSystemTime(sentAt + 10_000);
    expect(await textOf(bob, conversationId, query)).toBe("second");
    await bob.post(`/api/v1/chat/messages/${first}/read`);
    expect((await asked(bob, conversationId, query)).notifiableAt).toBe(sentAt + 16_000);
    expect(await textOf(bob, conversationId)).toBe("second");
  });

  test("nothing that came after a revision, where one is named; of another epoch that means nothing", async () => {
    const { alice, bob, conversationId } = await directPair();
    await send(alice, conversationId, "first");
    const { epoch, rev } = await asked(bob, conversationId);
    await send(alice, conversationId, "second", { mentions: [bob.userId] });
    expect(await textOf(bob, conversationId, { upTo: { epoch, rev } })).toBe("first");
    const mentions = { level: "mentions", upTo: { epoch, rev } } as const;
    expect(await textOf(bob, conversationId, mentions)).toBeUndefined();
    expect(await textOf(bob, conversationId, { upTo: { epoch: "other", rev } })).toBe("second");
  });

  test("nothing that is older than a day", async () => {
    const { alice, bob, conversationId } = await directPair();
    await send(alice, conversationId, "first");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 24 * 60 * 60_000 + 1_000 });
    expect(await textOf(bob, conversationId)).toBeUndefined();
  });
});

describe("of mentions", () => {
  test("of the person and of everybody; not of others", async () => {
    const [owner, bob, carol] = [await person("owner"), await person("bob"), await person("carol")];
    const channel = await channelOf(owner, [bob, carol]);
    await send(owner, channel, "for all to read");
    await send(owner, channel, "for bob", { mentions: [bob.userId] });
    const mentions = { level: "mentions" } as const;
    expect(await textOf(bob, channel, mentions)).toBe("for bob");
    expect(await textOf(carol, channel, mentions)).toBeUndefined();
    const { epoch, rev } = await asked(bob, channel);
    await send(owner, channel, "for everybody", { mentionsAll: true });
    const after = { epoch, rev };
    expect(await textOf(bob, channel, { ...mentions, after })).toBe("for everybody");
    expect(await textOf(carol, channel, mentions)).toBe("for everybody");
    expect(await textOf(owner, channel, mentions)).toBeUndefined();
    expect((await asked(bob, channel)).notifiable?.reason).toBe("mention");
  });

  test("an edit notifies those whom it newly mentions, and nobody of another text", async () => {
    const [alice, bob, carol] = [await person("alice"), await person("bob"), await person("carol")];
    const group = await groupOf(alice, bob, carol);
    const id = await sentId(alice, group, "before", { mentions: [bob.userId] });
    await send(alice, group, "later");
    const { epoch, rev } = await asked(bob, group);
    const after = { epoch, rev };
    await edit(alice, group, id, { content: "other text" });
    expect(await textOf(bob, group, { after })).toBeUndefined();
    const mentions = [bob.userId, carol.userId];
    await edit(alice, group, id, { content: "other text", mentions });
    expect(await textOf(bob, group, { after })).toBeUndefined();
    const { notifiable } = await asked(carol, group, { after });
    expect(notifiable).toMatchObject({ reason: "mention", message: { id, text: "other text" } });
  });
});
