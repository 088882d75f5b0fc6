import { env } from "cloudflare:workers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { directoryOf } from "../../src/directory/directory.ts";
import { INBOX_PAGE, inboxRows } from "../../src/directory/inbox-rows.ts";
import { LARGE_CONVERSATION } from "../../src/domain/conversation.ts";
import { someone } from "../support.ts";

/** The pages of an inbox while conversations get messages. */

interface Seeded {
  id: string;
  lastMessageAt: number | null;
  isLarge: boolean;
}

/** Conversations of one member in D1, as the projection writes them. */
async function seed(userId: string, conversations: readonly Seeded[]): Promise<void> {
  const rows = JSON.stringify(
    conversations.map(({ id, lastMessageAt, isLarge }) => [
      ...[id, lastMessageAt, isLarge ? LARGE_CONVERSATION + 1 : 2],
    ]),
  );
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO conversations (id, kind, visibility, created_by, created_at, member_count,
         last_number, message_count, last_message_at, epoch, rev)
       SELECT value->>0, 'group', 'private', 'x', 0, value->>2, 1, 1, value->>1, 'e', 1
       FROM json_each(?)`,
    ).bind(rows),
    env.DB.prepare(
      `INSERT INTO members (user_id, conversation_id, role, joined_at, archived, read_up_to,
         read_beyond, epoch, rev)
       SELECT ?1, value->>0, 'owner', 0, 0, 0, 0, 'e', 1 FROM json_each(?2)`,
    ).bind(userId, rows),
  ]);
}

const getsMessage = (id: string, at: number) =>
  env.DB.prepare("UPDATE conversations SET last_message_at = ? WHERE id = ?").bind(at, id).run();

test("every conversation is on a page, or got a message and is small: its inbox is told of that", async () => {
  const conversation = fc.record({
    lastMessageAt: fc.option(fc.integer({ min: 0, max: 20 })),
    isLarge: fc.boolean(),
  });
  const list = fc.array(conversation, { minLength: INBOX_PAGE, maxLength: 3 * INBOX_PAGE });
  const moves = fc.array(fc.array(fc.nat(), { maxLength: 5 }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(list, moves, async (list, moves) => {
      const conversations = list.map((one) => ({ id: crypto.randomUUID(), ...one }));
      const [userId, directory] = [someone(), directoryOf(env.DB)];
      await seed(userId, conversations);
      const told = new Set<string>();
      const shown: string[] = [];
      let [clock, after]: [number, string | undefined] = [1_000, undefined];
      for (let page = 0; ; page++) {
        const { rows, next } = await inboxRows(directory, userId, after);
        shown.push(...rows.map(({ conversationId }) => conversationId));
        if (next === undefined) break;
        after = next;
        for (const move of moves[page] ?? []) {
          const moved = conversations[move % conversations.length];
          if (!moved) continue;
          await getsMessage(moved.id, clock++);
          if (!moved.isLarge) told.add(moved.id);
        }
      }
      const ids = conversations.map(({ id }) => id);
      expect(ids.filter((id) => !shown.includes(id) && !told.has(id))).toEqual([]);
      expect(shown.filter((id) => !ids.includes(id))).toEqual([]);
    }),
    { numRuns: 25 },
  );
});

test("anything but a place that the server named is the beginning", async () => {
  const userId = someone();
  await seed(userId, [{ id: crypto.randomUUID(), lastMessageAt: 1, isLarge: false }]);
  const directory = directoryOf(env.DB);
  for (const after of ["", "x", "[]", '["a", 1, 2, 3]', "null"]) {
    expect((await inboxRows(directory, userId, after)).rows).toHaveLength(1);
  }
});
