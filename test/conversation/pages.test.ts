import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Links } from "../../src/attachments/links.ts";
import type { Command } from "../../src/conversation/decide/types.ts";
import { conversationOf } from "../../src/conversation/stub.ts";
import { messagesBetween } from "../../src/conversation/tables/messages.ts";
import { READERS_MAX, readersOf } from "../../src/conversation/tables/receipts.ts";
import { marketplaceForm } from "../../src/dialects/marketplace/presenter.ts";
import { unihubForm } from "../../src/dialects/unihub/presenter.ts";
import type { Person } from "../../src/domain/conversation.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import { EMOJIS } from "../../src/domain/reaction.ts";
import { settingsOf } from "../../src/env.ts";
import { wireMessage } from "../../src/live/wire.ts";
import { type Caller, evict, groupOf, ORIGIN, objectOf, person, send } from "../support.ts";

/**
 * Whatever happens in a conversation, its pages are those that are made from its tables at that moment,
 * and only for those who may read it. Objects keep what they have written of a message.
 */

const HOUR = 60 * 60_000;
const DOES = ["send", "reply", "edit", "delete", "react", "unreact", "read", "read one"] as const;

const step = fc.record({
  does: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...DOES) },
    { weight: 2, arbitrary: fc.constantFrom("remove", "add", "wait", "sleep") },
  ),
  /** Who acts, and who reads after it. */
  who: fc.nat(2),
  reader: fc.nat(2),
  /** A message, by its number, modulo those that there are. */
  pick: fc.nat(9),
  page: fc.record({
    size: fc.constantFrom(3, 50),
    number: fc.constantFrom(1, 1, 2),
    order: fc.constantFrom("asc" as const, "desc" as const),
  }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

let people: Caller[];
let id: string;
/** Messages sent so far. */
let last: number;
/** Whether the third person is a member. */
let isMember: boolean;

beforeEach(() => {
  // Ten seconds before links change.
  const now = Math.floor(Date.now() / HOUR + 1) * HOUR - 10_000;
  vi.useFakeTimers({ toFake: ["Date"], now });
});
afterEach(() => void vi.useRealTimers());

/** A group of three, whose first message has a file. */
async function begin(): Promise<void> {
  people = await Promise.all([person("ada"), person("bob"), person("cyd")]);
  id = await groupOf(...people);
  [last, isMember] = [0, true];
  if (people[0]) await send(people[0], id, "with a file");
  await runInDurableObject(objectOf(id), (_, { storage: { sql } }) => {
    const [row] = sql.exec<{ last: number }>("SELECT max(number) AS last FROM messages").toArray();
    last = row?.last ?? 0;
    const key = `${crypto.randomUUID()}.pdf`;
    const attachments = [{ key, name: "a.pdf", mimeType: "application/pdf", size: 3 }];
    const stored = JSON.stringify(attachments);
    sql.exec("UPDATE messages SET attachments = ? WHERE number = ?", stored, last);
  });
  await evict(id);
}

const callerOf = (index: number): Caller => people[index] as Caller;

async function carryOut({ does, who, pick }: Step): Promise<void> {
  if (does === "wait") return void vi.setSystemTime(Date.now() + 4_000);
  if (does === "sleep") return await evict(id);
  const third = callerOf(2).userId;
  const messageId = messageIdOf(id, 1 + (pick % last));
  const text = { content: `${does} ${pick}`, maxLength: 100 };
  const emoji = EMOJIS[pick % 2] ?? "";
  const commands: Record<Exclude<Step["does"], "wait" | "sleep">, Command> = {
    send: { type: "send", kind: "text", ...text },
    reply: { type: "send", kind: "text", replyTo: messageId, ...text },
    edit: { type: "edit", messageId, ...text },
    delete: { type: "delete", messageId },
    react: { type: "react", messageId, emoji },
    unreact: { type: "unreact", messageId, emoji },
    read: { type: "read" },
    "read one": { type: "read", messageIds: [messageId] },
    remove: { type: "remove", userId: third },
    add: { type: "add", person: { userId: third, name: null, avatarUrl: null } satisfies Person },
  };
  const by = does === "remove" || does === "add" ? callerOf(0) : callerOf(who);
  const { userId } = by;
  const actor = { userId, name: null, avatarUrl: null, role: "user", reach: "member" } as const;
  const options = { wait: false, readers: false };
  const { result } = await conversationOf(env, id).submit(actor, commands[does], options);
  if (!result.ok) return;
  if (does === "remove") isMember = false;
  if (does === "add") isMember = true;
  await runInDurableObject(objectOf(id), (_, { storage: { sql } }) => {
    last = sql.exec<{ n: number }>("SELECT max(number) AS n FROM messages").one().n;
  });
}

/** All messages in both forms, made from the tables alone. */
function shown() {
  const settings = settingsOf(env);
  if (settings instanceof Error) throw settings;
  // Another array: signatures that were kept are not seen.
  const links = new Links([...settings.FILES_SECRET], ORIGIN);
  return runInDurableObject(objectOf(id), (_, { storage: { sql } }) =>
    messagesBetween(sql, 1, last).map((message) => {
      const wire = wireMessage(id, message, (file) => links.linkTo(file, Date.now()));
      const readers = readersOf(sql, message, READERS_MAX);
      return {
        unihub: unihubForm.present(id, wire, readers),
        marketplace: marketplaceForm.present(id, wire, readers),
      };
    }),
  );
}

async function compare({ reader, page: { size, number, order } }: Step): Promise<void> {
  const caller = callerOf(reader);
  const query = `page=${number}&pageSize=${size}`;
  const unihub = await caller.get(`/api/v1/chat/messages?conversationId=${id}&${query}`);
  const marketplace = await caller.get(
    `/api/chat/${id}/messages?page=${number}&limit=${size}&order=${order}`,
  );
  if (reader === 2 && !isMember) {
    expect([unihub.status, marketplace.status]).toEqual([403, 403]);
    return;
  }
  const newestFirst = (await shown()).reverse();
  const from = (number - 1) * size;
  const totalPages = Math.ceil(last / size);
  const items = newestFirst.slice(from, from + size).map((message) => message.unihub);
  // As text: in the same order of fields, too.
  expect(JSON.stringify(unihub.body)).toBe(
    JSON.stringify({ items, totalCount: last, page: number, pageSize: size, totalPages }),
  );
  const ordered = order === "desc" ? newestFirst : newestFirst.toReversed();
  const messages = ordered.slice(from, from + size).map((message) => message.marketplace);
  const pagination = {
    ...{ page: number, limit: size, total: last, totalPages },
    hasMore: number < totalPages,
  };
  expect(JSON.stringify(marketplace.body)).toBe(
    JSON.stringify({ success: true, data: { messages, pagination } }),
  );
}

test("pages are those made from the tables, whatever was sent, changed and read by several people", async () => {
  const runs = fc.array(step, { minLength: 16, maxLength: 24, size: "max" });
  await fc.assert(
    fc.asyncProperty(runs, async (steps) => {
      await begin();
      for (const one of steps) {
        await carryOut(one);
        await compare(one);
      }
    }),
    { numRuns: 6, endOnFailure: true },
  );
});
