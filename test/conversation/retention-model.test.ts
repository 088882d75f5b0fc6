import { env } from "cloudflare:workers";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { RETAINING } from "../../src/conversation/decide/purge.ts";
import { writeBlocks } from "../../src/directory/blocks.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { inboxRows } from "../../src/directory/inbox-rows.ts";
import { parseMessageId } from "../../src/domain/id.ts";
import { clientOf } from "../inbox/cuttable-client.ts";
import { Random } from "../random.ts";
import { type Caller, evict, fireAlarms, groupOf, objectOf, person } from "../support.ts";
import { age, removeDue } from "./retaining.ts";
import { within } from "./searching.ts";

/**
 * Unread messages and mentions of random people in a group whose messages are removed by retention at random times,
 * counted by the object, by D1, by a client and by a plain model that looks at every message. To repeat a run:
 * `VITE_RETENTION_SEED=<the seed it printed>`.
 */
const SEED = Number(
  process.env["VITE_RETENTION_SEED"] ?? crypto.getRandomValues(new Uint32Array(1))[0],
);
const RUNS = Number(process.env["VITE_RETENTION_RUNS"] ?? 4);
const STEPS = 90;
/** Messages that are edited, and read out of order, are among the newest so many. */
const RECENT = 8;

afterEach(() => {
  vi.restoreAllMocks();
});

interface Message {
  id: string;
  by: Caller;
  mentions: readonly Caller[];
  mentionsAll: boolean;
  isDeleted: boolean;
  number: number;
}

/** A group as the documentation describes it: lists that are searched completely. */
class World {
  readonly random: Random;
  readonly messages: Message[] = [];
  /** What each of them has read, or has not to read. */
  readonly settled = new Map<Caller, Set<string>>();
  readonly blocks = new Map<Caller, Set<Caller>>();
  readonly pins = new Set<Message>();
  purgedTo = 0;
  agedTo = 0;
  present: Caller[];
  readonly group: string;
  private readonly people: readonly Caller[];
  private version = 0;

  constructor(seed: number, people: readonly Caller[], group: string) {
    this.random = new Random(seed);
    this.people = people;
    this.present = [...people];
    this.group = group;
    for (const one of people) {
      this.settled.set(one, new Set());
      this.blocks.set(one, new Set());
    }
  }

  get owner(): Caller {
    const [owner] = this.people;
    if (!owner) throw new Error("nobody");
    return owner;
  }

  get living(): Message[] {
    return this.there.filter(({ isDeleted }) => !isDeleted);
  }

  /** What is not gone. */
  get there(): Message[] {
    return this.messages.filter((one) => one.number > this.purgedTo || this.pins.has(one));
  }

  unread(who: Caller): Message[] {
    return this.living.filter(
      ({ by, id, number }) =>
        by !== who && number > this.purgedTo && !this.settled.get(who)?.has(id),
    );
  }

  mentions(who: Caller): Message[] {
    return this.unread(who).filter((one) => one.mentionsAll || one.mentions.includes(who));
  }

  /** Whose text the newest message is hidden from. */
  isLastHidden(who: Caller): boolean {
    const last = this.living.at(-1);
    return last !== undefined && this.blocks.get(who)?.has(last.by) === true;
  }

  async step(): Promise<string> {
    const { random, group, owner } = this;
    const who = random.pick(this.present);
    const what = random.weighted({
      ...{ send: 9, edit: 4, delete: 2, readOne: 5, readSome: 1, readAll: 0.2 },
      ...{ block: 2, unblock: 1, leave: 1, add: 2, evict: 1, outage: 1 },
      ...{ pin: 2, unpin: 1, purge: 3 },
    });
    switch (what) {
      case "send":
        await this.send(who);
        break;
      case "edit":
        await this.edit();
        break;
      case "delete": {
        const message = random.any(this.living);
        if (!message || !this.present.includes(message.by)) break;
        await message.by.delete(`/api/chat/${group}/messages/${message.id}`);
        message.isDeleted = true;
        this.pins.delete(message);
        break;
      }
      case "pin": {
        const message = random.any(this.living);
        if (!message) break;
        const path = `/api/v1/chat/conversations/${group}/pins/${message.id}`;
        expect((await owner.put(path)).status).toBe(204);
        this.pins.add(message);
        break;
      }
      case "unpin": {
        const message = random.any([...this.pins]);
        if (!message) break;
        const path = `/api/v1/chat/conversations/${group}/pins/${message.id}`;
        expect((await owner.delete(path)).status).toBe(204);
        this.pins.delete(message);
        break;
      }
      case "purge":
        await this.purge();
        break;
      case "readOne": {
        const message = random.any(this.living.slice(-RECENT));
        if (!message) break;
        await who.post(`/api/v1/chat/messages/${message.id}/read`);
        this.settled.get(who)?.add(message.id);
        break;
      }
      case "readSome": {
        const some = this.living.filter(() => random.chance(0.3));
        if (some.length === 0) break;
        const messageIds = some.map(({ id }) => id);
        await who.patch(`/api/chat/${group}/messages/read`, { messageIds });
        for (const id of messageIds) this.settled.get(who)?.add(id);
        break;
      }
      case "readAll":
        await who.patch(`/api/chat/${group}/messages/read`);
        this.settleAll(who);
        break;
      case "block":
      case "unblock":
        await this.change(random.pick(this.people), random.pick(this.people), what === "block");
        break;
      case "leave":
        if (who === owner || this.present.length <= 2) break;
        await who.delete(`/api/v1/chat/conversations/${group}/participants/${who.userId}`);
        this.present = this.present.filter((one) => one !== who);
        break;
      case "add": {
        const gone = this.people.find((one) => !this.present.includes(one));
        if (!gone) break;
        const participantId = gone.userId;
        const path = `/api/v1/chat/conversations/${group}/participants`;
        const { status } = await owner.post(path, { participantId });
        const isRefused = this.blocks.get(owner)?.has(gone) || this.blocks.get(gone)?.has(owner);
        expect(status).toBe(isRefused ? 403 : 200);
        if (isRefused) break;
        this.present.push(gone);
        this.settleAll(gone);
        break;
      }
      case "evict":
        // An object hibernates when nothing is on its way; one that crashes loses its sockets.
        this.purgedTo = await removeDue(group);
        await within(group, (_, storage) => storage.sync());
        await evict(group, { webSockets: "hibernate" });
        break;
      case "outage":
        // The next write to D1 fails, whether or not it was carried out.
        if (random.chance(0.5)) failNextBatch(random.chance(0.5));
        break;
    }
    return `${this.people.indexOf(who)} ${what}`;
  }

  /** Some of the oldest messages become due; while D1 fails they stay. */
  private async purge(): Promise<void> {
    const last = await within(this.group, ({ memory }) => memory.counters.lastNumber);
    const to = this.random.below(last + 1);
    await age(this.group, to);
    this.agedTo = Math.max(this.agedTo, to);
    this.purgedTo = await removeDue(this.group);
  }

  private async send(who: Caller): Promise<void> {
    const { random, group } = this;
    const mentions = this.present.filter(() => random.chance(0.3));
    const mentionsAll = who === this.owner && random.chance(0.4);
    const { status, body } = await who.post(`/api/chat/${group}/messages`, {
      content: "hello",
      ...{ mentions: idsOf(mentions), mentionsAll },
    });
    expect(status).toBe(201);
    const { _id: id } = body.data.message;
    const number = parseMessageId(id)?.number ?? 0;
    this.messages.push({ id, by: who, mentions, mentionsAll, isDeleted: false, number });
    for (const [reader, blocked] of this.blocks) {
      if (blocked.has(who)) this.settled.get(reader)?.add(id);
    }
  }

  private async edit(): Promise<void> {
    const { random, group } = this;
    const message = random.any(this.living.slice(-RECENT));
    // It was made old: its author may not edit it any more.
    if (!message || message.number <= this.agedTo) return;
    if (!this.present.includes(message.by)) return;
    const mentions = this.present.filter(() => random.chance(0.3));
    const more = message.by === this.owner ? { mentionsAll: random.chance(0.5) } : {};
    const path = `/api/chat/${group}/messages/${message.id}`;
    const body = { content: "changed", mentions: idsOf(mentions), ...more };
    expect((await message.by.put(path, body)).status).toBe(200);
    Object.assign(message, { mentions, ...more });
  }

  /** As the inbox of the user does it: D1 first, then the conversation, sometimes twice or late. */
  private async change(who: Caller, other: Caller, blocked: boolean): Promise<void> {
    if (who === other) return;
    const version = ++this.version;
    const blockedId = other.userId;
    await writeBlocks(directoryOf(env.DB), who.userId, [
      { blockedId, blocked, version, at: Date.now() },
    ]);
    const fact = { userId: who.userId, blockedId, blocked, version };
    const late = { ...fact, blocked: !blocked, version: version - 1 };
    await objectOf(this.group).applyBlocks(this.random.chance(0.3) ? [late, fact, fact] : [fact]);
    if (this.random.chance(0.3)) await objectOf(this.group).applyBlocks([late]);
    if (!blocked) this.blocks.get(who)?.delete(other);
    else {
      this.blocks.get(who)?.add(other);
      for (const { by, id } of this.messages) if (by === other) this.settled.get(who)?.add(id);
    }
  }

  /** Reads everything so far, as joining does. */
  private settleAll(who: Caller): void {
    for (const { id } of this.messages) this.settled.get(who)?.add(id);
  }
}

function idsOf(people: readonly Caller[]): string[] {
  return people.map(({ userId }) => userId);
}

/** Lets a batch of D1 fail, before or after it was carried out. */
function failNextBatch(isLate: boolean): void {
  const batch = env.DB.batch.bind(env.DB);
  const spy = vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
    if (!JSON.stringify(statements).includes("conversation")) return batch(statements);
    spy.mockRestore();
    if (isLate) await batch(statements);
    throw new Error("D1 fails on purpose");
  });
}

/** Unread messages, unread mentions, and whether the preview is hidden: of the object, D1's lists and the pages. */
async function counted(who: Caller, group: string): Promise<unknown[]> {
  const row = await objectOf(group).rearm(who.userId);
  const { rows } = await inboxRows(directoryOf(env.DB), who.userId, undefined);
  const page = rows.find(({ conversationId }) => conversationId === group);
  const { body: chats } = await who.get("/api/chat");
  const { body: conversations } = await who.get("/api/v1/chat/conversations");
  const { body: info } = await who.get(`/api/chat/${group}/info`);
  const { body: totals } = await who.get("/api/v1/chat/unread");
  const { chat } = info.data;
  const [listed] = chats.data.chats;
  const [conversation] = conversations;
  return [
    ...[row, page].map((one) =>
      one && "unread" in one ? [one.unread, one.mentions, one.lastMessage?.hidden === true] : one,
    ),
    [listed.unreadCount, listed.unreadMentions, listed.lastMessage?.hidden === true],
    [
      ...[conversation.unreadCount, conversation.unreadMentions],
      conversation.lastMessage?.hidden === true,
    ],
    [chat.unreadCount, chat.unreadMentions, chat.lastMessage?.hidden === true],
    [totals.totalUnread, totals.totalMentions, chat.lastMessage?.hidden === true],
  ];
}

/** What is there of the members' messages: in the object's tables, its history and its counters. */
async function stored(owner: Caller, group: string): Promise<unknown> {
  const { body } = await owner.get(`/api/v1/chat/messages?conversationId=${group}&pageSize=100`);
  const rows = await within(group, ({ sql, memory }) => ({
    numbers: sql
      .exec<{ number: number }>(
        "SELECT number FROM messages WHERE sender_id IS NOT NULL ORDER BY 1",
      )
      .toArray()
      .map(({ number }) => number),
    counted: memory.counters.counted,
    lastCounted: memory.counters.lastCounted,
    left: sql
      .exec<{ left: number }>(
        `SELECT (SELECT count(*) FROM mentions WHERE number <= ?1)
           + (SELECT count(*) FROM unmentioned WHERE number <= ?1) AS left`,
        memory.conversation.purgedTo ?? 0,
      )
      .one().left,
  }));
  const page = body.items
    .filter(({ senderId }: { senderId: string | null }) => senderId !== null)
    .map(({ messageId }: { messageId: string }) => parseMessageId(messageId)?.number)
    .reverse();
  return { ...rows, page };
}

test.each(Array.from({ length: RUNS }, (_, run) => run))(
  "object, D1, a client and a model count the same while messages go: run %i",
  async (run) => {
    const seed = SEED + run;
    console.log(`VITE_RETENTION_SEED=${SEED}`);
    const people = await Promise.all(["a", "b", "c", "d"].map((name) => person(name)));
    const group = await groupOf(...people);
    await within(group, (open) => open.submitAll(RETAINING, [{ type: "retain", days: 1 }]));
    const world = new World(seed, people, group);
    const [watcher] = people;
    if (!watcher) throw new Error("nobody");
    const conversation = clientOf(watcher).parley.conversation(group);
    onTestFinished(() => conversation.close());
    await conversation.connect().live();
    const log: string[] = [];
    for (let step = 1; step <= STEPS; step++) {
      log.push(await world.step());
      if (step % 10 !== 0 && step !== STEPS) continue;
      const at = `seed ${SEED}, run ${run}, step ${step}: ${log.join(", ")}`;
      await fireAlarms(group);
      world.purgedTo = await removeDue(group);
      const numbers = world.there.map(({ number }) => number);
      expect(await stored(watcher, group), at).toEqual({
        ...{ numbers, page: numbers, left: 0, counted: world.living.length },
        lastCounted: world.living.at(-1)?.number ?? 0,
      });
      for (const who of world.present) {
        const counts = [
          ...[world.unread(who).length, world.mentions(who).length, world.isLastHidden(who)],
        ];
        const whose = `person ${people.indexOf(who)}, ${at}`;
        await vi.waitFor(
          async () => expect(await counted(who, group), whose).toEqual(Array(6).fill(counts)),
          { timeout: 5_000 },
        );
      }
      await vi.waitFor(
        () => {
          expect(conversation.unread, at).toBe(world.unread(watcher).length);
          const shown = conversation.messages.filter(({ senderId }) => senderId !== null);
          expect(
            shown.map(({ number }) => number),
            at,
          ).toEqual(numbers);
        },
        { timeout: 5_000 },
      );
    }
    expect(world.purgedTo, `seed ${SEED}, run ${run}`).toBeGreaterThan(0);
  },
  60_000,
);
