import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { directoryOf } from "../../src/directory/directory.ts";
import { inboxRows } from "../../src/directory/inbox-rows.ts";
import { MENTIONS_COUNTED } from "../../src/domain/mentions.ts";
import {
  type Caller,
  channelOf,
  evict,
  fireAlarms,
  groupOf,
  objectOf,
  openLive,
  person,
  send,
} from "../support.ts";
import { counting } from "./counters.ts";
import { seedMembers, seedMessages } from "./seeds.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A group of three; the first is its owner. */
async function three() {
  const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
  return { alice, bob, carol, group: await groupOf(alice, bob, carol) };
}

/** Unread mentions of a member, by the object and by D1. */
async function counted(who: Caller, conversationId: string) {
  const row = await objectOf(conversationId).rearm(who.userId);
  const { rows } = await inboxRows(directoryOf(env.DB), who.userId, undefined);
  const listed = rows.find((one) => one.conversationId === conversationId);
  return [row && "mentions" in row ? row.mentions : undefined, listed?.mentions];
}

async function converges(who: Caller, conversationId: string, count: number) {
  await vi.waitFor(async () => expect(await counted(who, conversationId)).toEqual([count, count]));
}

async function sent(by: Caller, conversationId: string, more = {}): Promise<string> {
  const { status, body } = await send(by, conversationId, "hello", more);
  expect(status).toBe(201);
  return body.messageId;
}

function edit(by: Caller, conversationId: string, messageId: string, more = {}) {
  return by.put(`/api/chat/${conversationId}/messages/${messageId}`, { content: "new", ...more });
}

describe("an edit", () => {
  test("replaces the mentions, and without the fields keeps them", async () => {
    const { alice, bob, carol, group } = await three();
    const id = await sent(alice, group, { mentions: [bob.userId] });
    await converges(bob, group, 1);
    expect((await edit(alice, group, id)).body.data.message.mentions).toEqual([bob.userId]);
    await converges(bob, group, 1);
    const { body } = await edit(alice, group, id, { mentions: [carol.userId] });
    expect(body.data.message.mentions).toEqual([carol.userId]);
    await converges(bob, group, 0);
    await converges(carol, group, 1);
    const all = await edit(alice, group, id, { mentions: [], mentionsAll: true });
    expect(all.body.data.message).toMatchObject({ mentionsAll: true });
    expect(all.body.data.message).not.toHaveProperty("mentions");
    await converges(bob, group, 1);
    await converges(carol, group, 1);
    const none = await edit(alice, group, id, { mentionsAll: false });
    expect(none.body.data.message).not.toHaveProperty("mentionsAll");
    await converges(carol, group, 0);
  });

  test.each([
    ["somebody", (bob: Caller) => ({ mentions: [bob.userId] })],
    ["everybody", () => ({ mentionsAll: true })],
  ])("that mentions %s in what they have read already is not unread", async (_, mentioning) => {
    const { alice, bob, carol, group } = await three();
    await sent(alice, group);
    const id = await sent(alice, group);
    await bob.post(`/api/v1/chat/messages/${id}/read`);
    await edit(alice, group, id, mentioning(bob));
    await fireAlarms(group);
    await converges(carol, group, "mentionsAll" in mentioning(bob) ? 1 : 0);
    await converges(bob, group, 0);
  });
});
