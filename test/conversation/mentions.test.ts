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
import { backToStep } from "./older-schema.ts";
import { seededId, seedMembers, seedMessages } from "./seeds.ts";

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

test("a mention in what was read out of order stays read, whatever happens later", async () => {
  const { alice, bob, group } = await three();
  await sent(alice, group);
  const id = await sent(alice, group, { mentions: [bob.userId] });
  await sent(alice, group, { mentionsAll: true });
  await converges(bob, group, 2);
  await bob.post(`/api/v1/chat/messages/${id}/read`);
  await converges(bob, group, 1);
  await edit(alice, group, id, { mentions: [] });
  await edit(alice, group, id, { mentions: [bob.userId] });
  await evict(group);
  await converges(bob, group, 1);
  await bob.patch(`/api/chat/${group}/messages/read`);
  await converges(bob, group, 0);
});

test("nobody is told of their own mentions, nor of those before they joined again", async () => {
  const { alice, bob, group } = await three();
  await sent(alice, group, { mentions: [alice.userId, bob.userId] });
  await sent(alice, group, { mentionsAll: true });
  await converges(alice, group, 0);
  await converges(bob, group, 2);
  const participants = `/api/v1/chat/conversations/${group}/participants`;
  await alice.delete(`${participants}/${bob.userId}`);
  await alice.post(participants, { participantId: bob.userId });
  await converges(bob, group, 0);
  await sent(alice, group, { mentionsAll: true });
  await converges(bob, group, 1);
});

test("a write to D1 that comes late restores no mention that was removed meanwhile", async () => {
  const { alice, bob, group } = await three();
  await fireAlarms(group);
  const batch = env.DB.batch.bind(env.DB);
  const late: D1PreparedStatement[][] = [];
  vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
    if (late.length > 0 || !JSON.stringify(statements).includes(group)) return batch(statements);
    late.push(statements);
    throw new Error("D1 seems to have failed");
  });
  const id = await sent(alice, group, { mentions: [bob.userId] });
  await edit(alice, group, id, { mentions: [] });
  await fireAlarms(group);
  await converges(bob, group, 0);
  expect(late).toHaveLength(1);
  await batch(late[0] ?? []);
  expect(await counted(bob, group)).toEqual([0, 0]);
});

describe("what a mention costs", () => {
  /** A large channel whose members have been told of a first message. */
  async function large() {
    const [owner, bob] = await Promise.all([person("owner"), person("bob")]);
    const channel = await channelOf(owner, [bob]);
    await seedMembers(channel, 300);
    await sent(owner, channel);
    await fireAlarms(channel);
    return { owner, bob, channel };
  }

  test.each([
    ["one person", (bob: Caller) => ({ mentions: [bob.userId] }), 1],
    ["everybody", () => ({ mentionsAll: true }), 1],
  ])(
    // In the object two more: that inboxes are yet to be told of it survives a crash.
    "of %s: three rows in the object and one in D1, however many members",
    async (_, mentioning, rows) => {
      const { owner, bob, channel } = await large();
      const cost = async (more: object) => {
        await fireAlarms(channel);
        const counts = await counting(channel, () => sent(owner, channel, more));
        return [counts.rowsWritten, counts.d1RowsWritten];
      };
      const [inObject = 0, inD1 = 0] = await cost({});
      expect(inD1).toBeGreaterThan(0);
      expect(await cost(mentioning(bob))).toEqual([inObject + rows + 2, inD1 + rows]);
    },
  );

  test("of 50 people: 150 rows in the object and 50 in D1", async () => {
    const { owner, channel } = await large();
    await evict(channel);
    const mentions = Array.from({ length: 50 }, (_, n) => seededId(n + 1));
    await send(owner, channel, "awake");
    await fireAlarms(channel);
    const plain = await counting(channel, () => sent(owner, channel));
    await fireAlarms(channel);
    const cost = await counting(channel, () => sent(owner, channel, { mentions }));
    expect(cost.rowsWritten).toBe(plain.rowsWritten + 3 * 50);
    expect(cost.d1RowsWritten).toBe(plain.d1RowsWritten + 50);
    // Half of them are for the rows of their inboxes, which are told.
    expect(cost.rowsRead - plain.rowsRead).toBeLessThan(14 * 50);
  });

  test("reading one out of order: one more row in D1, none in the object", async () => {
    const { owner, bob, channel } = await large();
    await sent(owner, channel);
    const plain = await sent(owner, channel);
    await sent(owner, channel);
    const mentioned = await sent(owner, channel, { mentions: [bob.userId] });
    const cost = async (id: string) => {
      await fireAlarms(channel);
      const read = () => bob.post(`/api/v1/chat/messages/${id}/read`);
      const counts = await counting(channel, read);
      return [counts.rowsWritten, counts.d1RowsWritten];
    };
    const [inObject, inD1 = 0] = await cost(plain);
    expect(await cost(mentioned)).toEqual([inObject, inD1 + 1]);
  });

  test("counting 5,000 unread ones reads the newest, in the object and in D1", async () => {
    const [owner, bob] = await Promise.all([person("owner"), person("bob")]);
    const channel = await channelOf(owner, [bob]);
    await seedMessages(channel, 5_000, owner.userId);
    await runInDurableObject(objectOf(channel), (_, { storage: { sql } }) => {
      sql.exec("INSERT INTO mentions SELECT '', number, rev FROM messages WHERE number <= 5000");
      sql.exec("INSERT INTO mentions SELECT ?, number, rev FROM messages", `${bob.userId}`);
    });
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
       INSERT INTO mentions SELECT ?1, value, i, 'x' FROM n, json_each(?2)`,
    )
      .bind(channel, JSON.stringify(["", bob.userId]))
      .run();
    await env.DB.prepare("UPDATE conversations SET last_number = 5000 WHERE id = ?")
      .bind(channel)
      .run();
    const counts = await counting(channel, async () => {
      const row = await objectOf(channel).rearm(bob.userId);
      expect(row).toMatchObject({ mentions: 2 * MENTIONS_COUNTED });
    });
    expect(counts.rowsRead).toBeLessThan(10 * MENTIONS_COUNTED);
    let read = 0;
    const prepare = (query: string) => ({
      bind: (...values: unknown[]) => ({
        all: async () => {
          const result = await env.DB.prepare(query)
            .bind(...values)
            .all();
          read += result.meta.rows_read;
          return result;
        },
      }),
    });
    const directory = directoryOf({ prepare, batch: env.DB.batch } as unknown as D1Database);
    const { rows } = await inboxRows(directory, bob.userId, undefined);
    expect(rows[0]?.mentions).toBe(2 * MENTIONS_COUNTED);
    expect(read).toBeLessThan(10 * MENTIONS_COUNTED);
  });
});

test("rows of before there were mentions mention nobody, and can be edited", async () => {
  const { alice, bob, group } = await three();
  const id = await sent(alice, group);
  await runInDurableObject(objectOf(group), (_, { storage: { sql } }) => {
    backToStep(sql, 7);
  });
  await evict(group);
  const socket = await openLive(bob, group);
  const [message] = socket.all("sync")[0]?.messages ?? [];
  expect(message).not.toHaveProperty("mentions");
  expect(message).not.toHaveProperty("mentionsAll");
  const { body } = await edit(alice, group, id, { mentions: [bob.userId] });
  expect(body.data.message.mentions).toEqual([bob.userId]);
  await converges(bob, group, 1);
});
