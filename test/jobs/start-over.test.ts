import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { subscribers } from "../../src/conversation/tables/subscribers.ts";
import { startOver } from "../../src/edge/start-over.ts";
import { Hub, Io } from "../gateway/line.ts";
import { openListed } from "../inbox/replica.ts";
import { openRooms } from "../inbox/room-client.ts";
import { groupOf, objectOf, openLive, person, send } from "../support.ts";
import { copyOf, putBack } from "./time-machine.ts";

/** A conversation gets a new epoch: whatever follows it begins anew. */

/** What D1 has of a conversation that depends on its state, apart from the version of each row. */
export async function projected(conversationId: string): Promise<Record<string, unknown[]>> {
  const all = async (query: string) =>
    (await env.DB.prepare(query).bind(conversationId).all()).results;
  return {
    conversation: await all(
      `SELECT title, member_count, last_number, message_count, last_message, last_message_at
       FROM conversations WHERE id = ?`,
    ),
    members: await all(
      `SELECT user_id, role, joined_at, left_at, archived, read_up_to, read_beyond, request
       FROM members WHERE conversation_id = ? ORDER BY user_id`,
    ),
    uncounted: await all("SELECT number FROM uncounted WHERE conversation_id = ? ORDER BY number"),
    blocks: await all(
      "SELECT block, count FROM uncounted_blocks WHERE conversation_id = ? AND count > 0 ORDER BY 1",
    ),
    mentions: await all(
      "SELECT user_id, number, sender_id FROM mentions WHERE conversation_id = ? ORDER BY 1, 2",
    ),
    read: await all(
      "SELECT user_id, number FROM mentions_read WHERE conversation_id = ? ORDER BY 1, 2",
    ),
    epochs: await all(
      `SELECT epoch FROM conversations WHERE id = ?1
       UNION SELECT epoch FROM members WHERE conversation_id = ?1`,
    ),
  };
}

/** Resolves once D1 has everything of a conversation. */
export async function settled(conversationId: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const rebuilt = await objectOf(conversationId).rebuild("here");
      expect(rebuilt?.projectedRev).toBe(rebuilt?.rev);
    },
    { timeout: 10_000 },
  );
}

/** Takes what an object stores back to a copy, as somebody would who knows nothing of epochs. */
async function takeBack(conversationId: string, copy: ReturnType<typeof copyOf>): Promise<void> {
  await runInDurableObject(objectOf(conversationId), async (_, context) => {
    putBack(context.storage, copy);
    await context.storage.sync();
    context.abort("taken back");
  }).catch(() => {});
}

test("after the storage was taken back, everything follows what is there", async () => {
  const [alice, bob, carl, dora, eve] = [
    ...[await person("alice"), await person("bob"), await person("carl")],
    ...[await person("dora"), await person("eve")],
  ] as const;
  const id = await groupOf(alice, bob, carl, eve);
  const messages: string[] = [];
  for (let number = 1; number <= 5; number++) {
    const more = number === 2 ? { mentions: [bob.userId] } : {};
    messages.push((await send(alice, id, `message ${number}`, more)).body.messageId);
  }
  await alice.delete(`/api/v1/chat/messages/${messages[0]}`);
  await settled(id);
  const copy = await runInDurableObject(objectOf(id), (_, { storage }) => copyOf(storage.sql));
  const before = await projected(id);

  const writer = await openLive(alice, id);
  const edited = { content: "changed later", mentions: [carl.userId] };
  writer.send({ op: "edit", id: "edit", messageId: messages[1], ...edited });
  await writer.next("ack");
  await send(alice, id, "to everybody", { mentionsAll: true });
  await alice.delete(`/api/v1/chat/messages/${messages[2]}`);
  for (let number = 6; number <= 9; number++) await send(bob, id, `later ${number}`);
  await carl.post(`/api/v1/chat/messages/${messages[4]}/read`);
  await alice.post(`/api/chat/${id}/participants`, { userId: dora.userId });
  await settled(id);
  const old = await projected(id);
  const { rev: above } = (await objectOf(id).rebuild("here")) ?? { rev: 0 };

  const socket = await openLive(alice, id);
  const inbox = await openListed(bob);
  const doras = await openListed(dora);
  expect(doras.entry(id)).toBeDefined();
  const room = await (await openRooms(carl)).open(id);
  const [io, hub] = [await Io.connect(eve), await Hub.connect(bob)];
  const joined = await hub.ask("JoinConversation", id);
  expect(joined).not.toHaveProperty("reset");
  await io.ask("join-chat-room", id);
  for (const table of ["conversation", "members", "uncounted", "mentions"]) {
    expect(old[table]).not.toEqual(before[table]);
  }

  const known = await runInDurableObject(objectOf(id), (_, { storage }) =>
    subscribers(storage.sql).map(({ subscriber }) => subscriber),
  );
  expect(known).toHaveLength(3);
  await takeBack(id, copy);
  const started = await startOver(env, id, { by: "test", above, subscribers: known });
  expect(started?.rev).toBe(above + 1);
  expect(await startOver(env, id, { by: "test", above: 1_000 })).toEqual(started);

  expect([1006, 1012]).toContain((await socket.closed).code);
  await settled(id);
  const now = await projected(id);
  expect(now["epochs"]).toEqual([{ epoch: started?.epoch }]);
  expect({ ...now, epochs: [] }).toEqual({ ...before, epochs: [] });

  await vi.waitFor(() => expect(doras.entry(id)).toBeUndefined(), { timeout: 10_000 });
  await vi.waitFor(
    () =>
      expect(inbox.entry(id)).toMatchObject({
        ...{ epoch: started?.epoch, lastNumber: 5 },
        ...{ unread: 4, mentions: 1 },
      }),
    { timeout: 10_000 },
  );
  // Over the inbox a `sync` with `reset`; gateways end, so that their clients connect again.
  const again = await room.next("sync", ({ reset }) => reset === true);
  expect(again.messages?.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
  await io.line.closed;
  await hub.line.closed;
  expect(hub.messages().at(-1)).toMatchObject({ type: 7, allowReconnect: true });
  const [second, third] = [await Hub.connect(bob), await Io.connect(eve)];
  const { rev } = joined;
  expect(await second.ask("JoinConversation", id, rev)).toMatchObject({
    ...{ rev: started?.rev, reset: true },
  });
  expect(await third.ask("join-chat-room", id, { since: rev })).toMatchObject({
    data: { rev: started?.rev, reset: true },
  });
  // What follows comes to everybody.
  await send(alice, id, "afterwards");
  await Promise.all([second.until("ReceiveMessage", 1), third.until("new-message", 1)]);
  await room.next("message", ({ message }) => message.content === "afterwards");
});
