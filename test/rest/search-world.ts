import { expect, vi } from "vitest";
import { parseMessageId } from "../../src/domain/id.ts";
import type { Message } from "../../src/domain/message.ts";
import { matches, parseQuery } from "../../src/domain/search.ts";
import { comparePlaces, type Place } from "../../src/domain/search-order.ts";
import type { Random } from "../random.ts";
import { type Answer, type Caller, channelOf, groupOf, open, person, send } from "../support.ts";
import { block, unblock } from "./blocked.ts";
import { CONVERSATIONS, carryOut } from "./requests.ts";
import { search } from "./searching.ts";

/** Words in many scripts; some are the beginning of others, or within them where words have no spaces. */
const WORDS = [
  ...["apple", "apples", "pineapple", "Äpfel", "été", "C++20", "#4711"],
  ...[
    "привет",
    "ёлка",
    "مرحبا",
    "שלום",
    "สวัสดีครับ",
    "你好世界",
    "世界",
    "こんにちは",
    "안녕하세요",
    "🎉",
  ],
];
const QUERIES = [...WORDS, "app", "世", "สวัสดี", "안녕", "при"];

/** For so long a message can be edited. */
const EDITABLE_MS = 14 * 60_000;

interface Written {
  number: number;
  senderId: string;
  content: string;
  createdAt: number;
  isDeleted: boolean;
}

interface Room {
  id: string;
  kind: "group" | "channel";
  owner: Caller;
  members: Set<Caller>;
  messages: Written[];
}

const MAX_PASSED_MS = 40 * 60_000;

/** People, what they have written, and who may read it, as the test knows it. */
export class SearchWorld {
  readonly log: string[] = [];
  /** Hits of all searches. */
  found = 0;
  private readonly random: Random;
  private passedMs = 0;
  private readonly people: readonly Caller[];
  private readonly rooms: Room[];
  private readonly blocks = new Map<Caller, Set<Caller>>();

  private constructor(random: Random, people: readonly Caller[], rooms: Room[]) {
    this.random = random;
    this.people = people;
    this.rooms = rooms;
  }

  /** Four people in five conversations. */
  static async begin(random: Random): Promise<SearchWorld> {
    const people = [await person("a"), await person("b"), await person("c"), await person("d")];
    const rooms: Room[] = [];
    for (let i = 0; i < 5; i++) {
      const owner = random.pick(people);
      const others = people.filter((one) => one !== owner);
      const kind = i % 2 === 0 ? "group" : "channel";
      const id =
        kind === "group" ? await groupOf(owner, ...others) : await channelOf(owner, others);
      rooms.push({ id, kind, owner, members: new Set(people), messages: [] });
    }
    return new SearchWorld(random, people, rooms);
  }

  /**
   * Changes something at random, at the time of the change before or later: at the same time in several
   * conversations, or after everything before is in D1.
   */
  async change(): Promise<void> {
    const ms = this.random.pick([0, 0, 0, 1, 300_000]);
    // Tokens are valid for an hour.
    if (this.passedMs + ms < MAX_PASSED_MS) {
      this.passedMs += ms;
      vi.setSystemTime(Date.now() + ms);
    }
    const room = this.random.pick(this.rooms);
    const what = this.random.weighted({ send: 10, edit: 3, delete: 2, block: 2, member: 2 });
    this.log.push(`${what} in ${this.rooms.indexOf(room)}`);
    await this[what](room);
  }

  /** Compares what a member finds with what the test knows: page by page, while others write. */
  async compare(): Promise<void> {
    const caller = this.random.pick(this.people);
    const q = this.query();
    const limit = this.random.between(1, 4);
    this.log.push(`${this.name(caller)} searches ${q}, ${limit} a page`);
    const expected = this.expected(caller, q, this.rooms);
    expect(await this.pages(caller, q, { limit })).toEqual(expected);
    this.found += expected.length;
  }

  /** Compares what each member finds in each conversation alone. */
  async compareOne(): Promise<void> {
    for (const room of this.rooms) {
      for (const caller of room.members) {
        const q = this.query();
        this.log.push(`${this.name(caller)} searches ${q} in ${this.rooms.indexOf(room)}`);
        const pages = await this.pages(caller, q, { limit: 2, conversationId: room.id });
        expect(pages).toEqual(this.expected(caller, q, [room]));
      }
    }
  }

  /** What all pages have: places and texts. */
  private async pages(caller: Caller, q: string, more: Record<string, string | number>) {
    const hits: unknown[] = [];
    let cursor: string | null = null;
    do {
      const answer: Answer = await search(caller, q, { ...more, ...(cursor && { cursor }) });
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ incomplete: false, failed: [] });
      for (const { conversationId, message } of answer.body.hits) {
        const number = parseMessageId(message.messageId)?.number;
        const createdAt = Date.parse(message.sentAt);
        hits.push({ place: { createdAt, conversationId, number }, content: message.content });
      }
      cursor = answer.body.cursor;
      if (cursor && this.random.chance(0.5)) await this.send(this.random.pick(this.rooms));
    } while (cursor);
    return hits;
  }

  private expected(caller: Caller, q: string, rooms: readonly Room[]) {
    const query = parseQuery(q);
    if (!query.ok) throw new Error(`${q} is no query`);
    const hidden = this.blocks.get(caller);
    const isHidden = (userId: string) => [...(hidden ?? [])].some((one) => one.userId === userId);
    return rooms
      .filter(({ members }) => members.has(caller))
      .flatMap(({ id, messages }) =>
        messages
          .filter((written) => {
            const message = messageOf(written, isHidden(written.senderId));
            return matches(query.value, message, { userId: caller.userId, nameOf: () => null });
          })
          .map(({ createdAt, number, content }) => {
            const place: Place = { createdAt, conversationId: id, number };
            return { place, content };
          }),
      )
      .sort((one, other) => comparePlaces(one.place, other.place));
  }

  private async send(room: Room): Promise<void> {
    const sender = this.random.pick([...room.members]);
    const content = this.text();
    const messageId = this.random.chance(0.5)
      ? await this.overSocket(sender, room, content)
      : (await send(sender, room.id, content)).body.messageId;
    const page = await sender.get(`/api/v1/chat/messages?conversationId=${room.id}&pageSize=1`);
    const [{ messageId: newest, sentAt }] = page.body.items;
    expect(newest).toBe(messageId);
    const number = parseMessageId(messageId)?.number ?? 0;
    const createdAt = Date.parse(sentAt);
    room.messages.push({ number, senderId: sender.userId, content, createdAt, isDeleted: false });
  }

  private async overSocket(sender: Caller, room: Room, content: string): Promise<string> {
    const socket = await open(sender, room.id);
    const { messageId } = await carryOut(socket, { op: "send", content });
    socket.close();
    if (!messageId) throw new Error("a send without a message");
    return messageId;
  }

  private async edit(room: Room): Promise<void> {
    const message = this.writtenBy(room);
    if (!message || message.written.createdAt < Date.now() - EDITABLE_MS) return;
    const { author, written, id } = message;
    const content = this.text();
    const path = `/api/chat/${room.id}/messages/${id}`;
    if (room.kind === "group") expect((await author.put(path, { content })).status).toBe(200);
    else {
      const socket = await open(author, room.id);
      await carryOut(socket, { op: "edit", messageId: id, content });
      socket.close();
    }
    written.content = content;
  }

  private async delete(room: Room): Promise<void> {
    const message = this.writtenBy(room);
    if (!message) return;
    const { status } = await message.author.delete(`/api/v1/chat/messages/${message.id}`);
    expect(status).toBe(200);
    message.written.isDeleted = true;
  }

  private async block(): Promise<void> {
    const [one, other] = [this.random.pick(this.people), this.random.pick(this.people)];
    if (one === other) return;
    const blocked = this.blocks.get(one) ?? new Set();
    this.blocks.set(one, blocked);
    if (blocked.has(other)) await unblock(one, other);
    else await block(one, other);
    if (!blocked.delete(other)) blocked.add(other);
  }

  /** Removes a member of a group or has them leave a channel, or brings one back. */
  private async member(room: Room): Promise<void> {
    const who = this.random.pick(this.people.filter((one) => one !== room.owner));
    const isIn = room.members.has(who);
    const answer =
      room.kind === "channel"
        ? await who.post(`/api/v1/chat/channels/${room.id}/${isIn ? "leave" : "join"}`)
        : await this.inGroup(room, who, isIn);
    // Blocks may keep somebody out, and a group keeps two people.
    if (answer.status !== 200) return;
    if (!room.members.delete(who)) room.members.add(who);
    await listed(who, room, !isIn);
  }

  private inGroup(room: Room, who: Caller, isIn: boolean): Promise<Answer> {
    const path = `${CONVERSATIONS}/${room.id}/participants`;
    return isIn
      ? room.owner.delete(`${path}/${who.userId}`)
      : room.owner.post(path, { participantId: who.userId });
  }

  /** A message that is not deleted and whose author is there. */
  private writtenBy(room: Room) {
    const written = this.random.any(room.messages.filter(({ isDeleted }) => !isDeleted));
    const author = [...room.members].find(({ userId }) => userId === written?.senderId);
    if (!written || !author) return undefined;
    const id = room.id.slice(0, -10) + written.number.toString(16).padStart(10, "0");
    return { written, author, id };
  }

  private text(): string {
    const words = Array.from({ length: this.random.between(1, 3) }, () => this.random.pick(WORDS));
    return words.join(" ");
  }

  private query(): string {
    const words = Array.from({ length: this.random.between(1, 2) }, () =>
      this.random.pick(QUERIES),
    );
    return words.join(" ");
  }

  private name(caller: Caller): string {
    return `person ${this.people.indexOf(caller)}`;
  }
}

/** Waits until the lists show a membership, or do not: a busy D1 may take longer than the answer waits for it. */
async function listed(who: Caller, room: Room, isIn: boolean): Promise<void> {
  const path = room.kind === "group" ? CONVERSATIONS : "/api/v1/chat/channels/my-channels";
  await vi.waitFor(async () => {
    const { body } = await who.get(path);
    const ids = body.map(
      (row: Record<string, string>) => row["conversationId"] ?? row["channelId"],
    );
    expect(ids.includes(room.id)).toBe(isIn);
  });
}

/** A message as its reader sees it. */
function messageOf({ isDeleted, ...written }: Written, isHidden: boolean): Message {
  return {
    ...written,
    ...{ rev: 1, kind: "text", replyTo: null, attachments: [], reactions: [], metadata: null },
    ...{ clientMessageId: null, editedAt: null, deletedAt: isDeleted ? 1 : null },
    ...(isHidden && { hidden: true, content: "" }),
  };
}
