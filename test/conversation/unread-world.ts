import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { writeBlocks } from "../../src/directory/blocks.ts";
import { directoryOf } from "../../src/directory/directory.ts";
import { inboxRows } from "../../src/directory/inbox-rows.ts";
import { parseMessageId } from "../../src/domain/id.ts";
import { Random } from "../random.ts";
import { type Caller, evict, objectOf } from "../support.ts";

/** Messages that are edited, and read out of order, are among the newest so many. */
const RECENT = 8;

/** A message as the model has it. */
export interface Message {
  id: string;
  number: number;
  by: Caller;
  mentions: readonly Caller[];
  mentionsAll: boolean;
  isDeleted: boolean;
}

/**
 * A group as the documentation describes it: lists that are searched completely. Random people send, edit, delete,
 * read, block each other, leave and come back, while the object is evicted and D1 fails.
 */
export class UnreadWorld {
  readonly random: Random;
  readonly messages: Message[] = [];
  /** What each of them has read, or has not to read. */
  readonly settled = new Map<Caller, Set<string>>();
  readonly blocks = new Map<Caller, Set<Caller>>();
  present: Caller[];
  readonly group: string;
  protected readonly people: readonly Caller[];
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

  /** Messages that are not gone. */
  get there(): readonly Message[] {
    return this.messages;
  }

  unread(who: Caller): Message[] {
    return this.living.filter(
      (one) => one.by !== who && this.counts(one) && !this.settled.get(who)?.has(one.id),
    );
  }

  /** Whether a message may be unread at all. */
  protected counts(_: Message): boolean {
    return true;
  }

  /** Whether its author may still edit it. */
  protected isEditable(_: Message): boolean {
    return true;
  }

  mentions(who: Caller): Message[] {
    return this.unread(who).filter((one) => one.mentionsAll || one.mentions.includes(who));
  }

  /** Whose text the newest message is hidden from. */
  isLastHidden(who: Caller): boolean {
    const last = this.living.at(-1);
    return last !== undefined && this.blocks.get(who)?.has(last.by) === true;
  }

  /** How often each thing is done. */
  protected get weights(): Record<string, number> {
    return {
      ...{ send: 9, edit: 4, delete: 2, readOne: 5, readSome: 1, readAll: 0.4 },
      ...{ block: 4, unblock: 3, leave: 1, add: 2, evict: 1, outage: 1 },
    };
  }

  async step(): Promise<string> {
    const who = this.random.pick(this.present);
    const what = this.random.weighted(this.weights);
    await this.act(who, what);
    return `${this.people.indexOf(who)} ${what}`;
  }

  protected async act(who: Caller, what: string): Promise<void> {
    const { random, group, owner } = this;
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
        this.deleted(message);
        break;
      }
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
        await this.beforeEviction();
        await evict(group, { webSockets: "hibernate" });
        break;
      case "outage":
        // The next write to D1 fails, whether or not it was carried out.
        if (random.chance(0.5)) failNextBatch(random.chance(0.5));
        break;
      default:
        throw new Error(`nobody can ${what}`);
    }
  }

  protected deleted(_: Message): void {
    // Nothing else depends on it here.
  }

  protected async beforeEviction(): Promise<void> {
    // Whatever is on its way may be lost.
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
    this.messages.push({ id, number, by: who, mentions, mentionsAll, isDeleted: false });
    for (const [reader, blocked] of this.blocks) {
      if (blocked.has(who)) this.settled.get(reader)?.add(id);
    }
  }

  private async edit(): Promise<void> {
    const { random, group } = this;
    const message = random.any(this.living.slice(-RECENT));
    if (!message || !this.isEditable(message) || !this.present.includes(message.by)) return;
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

export function idsOf(people: readonly Caller[]): string[] {
  return people.map(({ userId }) => userId);
}

/** Lets the next batch of D1 about conversations fail, before or after it was carried out. */
export function failNextBatch(isLate: boolean): void {
  const batch = env.DB.batch.bind(env.DB);
  const spy = vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
    if (!JSON.stringify(statements).includes("conversation")) return batch(statements);
    spy.mockRestore();
    if (isLate) await batch(statements);
    throw new Error("D1 fails on purpose");
  });
}

/** Unread messages, unread mentions, and whether the preview is hidden: of the object, D1's lists and the pages. */
export async function counted(who: Caller, group: string): Promise<unknown[]> {
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

/** Waits until everything counts for the members what the model says. */
export async function expectCounts(world: UnreadWorld, at: string): Promise<void> {
  for (const [index, who] of world.present.entries()) {
    const counts = [
      ...[world.unread(who).length, world.mentions(who).length, world.isLastHidden(who)],
    ];
    await vi.waitFor(
      async () =>
        expect(await counted(who, world.group), `person ${index} of those present, ${at}`).toEqual(
          Array(6).fill(counts),
        ),
      { timeout: 5_000 },
    );
  }
}
