import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { conversationOf } from "../../src/conversation/stub.ts";
import { namesOfMembers } from "../../src/conversation/tables/members.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import type { Message } from "../../src/domain/message.ts";
import { matches, parseQuery } from "../../src/domain/search.ts";
import { actorOf, allMessages, FORM, withBounds, within } from "../conversation/searching.ts";
import type { Random } from "../random.ts";
import { type Caller, evict, objectOf, openLive } from "../support.ts";

/** Words in many scripts; some occur in others, or begin them. */
const WORDS = [
  ...[
    "start",
    "art",
    "C++",
    "C++20",
    "#4711",
    "foo-bar",
    "foo",
    "Straße",
    "STRASSE",
    "café",
    "cafe\u0301",
  ],
  ...["İstanbul", "ılık", "Việt", "σοφός", "ΣΟΦΟΣ", "ёлка", "елка", "война", "мой"],
  ...["مُحَمَّد", "محمد", "كـتاب", "שָׁלוֹם", "שלום", "हिन्दी", "किताब", "สวัสดีครับ", "ครับ"],
  ...[
    "东京都",
    "京都",
    "東京タワー",
    "カタカナ",
    "ガ",
    "서울역",
    "서울",
    "👍🏽",
    "👩‍👩‍👧",
    "ＦＵＬＬ",
    "ﬁne",
  ],
  ...["https://example.org/a?b=c", "me@example.org", "a_b", "10:30", "x"],
];

/** A group in which people write, change and delete, block each other, leave and come back. */
export class SearchWorld {
  readonly random: Random;
  readonly group: string;
  readonly people: readonly Caller[];
  present: Caller[];
  readonly failures: unknown[] = [];
  private version = 0;

  constructor(random: Random, group: string, people: readonly Caller[]) {
    this.random = random;
    this.group = group;
    this.people = people;
    this.present = [...people];
  }

  text(): string {
    const { random } = this;
    const words = Array.from({ length: random.between(1, 5) }, () => random.pick(WORDS));
    const glue = random.pick([" ", " ", "  ", "\n", ""]);
    return words.map((word) => (random.chance(0.2) ? word.toUpperCase() : word)).join(glue);
  }

  /** A query as people type it; some are refused. */
  query(): string {
    const { random } = this;
    const part = () => {
      const word = random.pick(WORDS);
      const cut = [...word].slice(0, random.between(1, [...word].length)).join("");
      const who = random.pick(this.people).userId;
      return random
        .weighted({
          word: 10,
          cut: 6,
          phrase: 3,
          not: 2,
          from: 1,
          name: 2,
          me: 1,
          mentions: 0.5,
          has: 0.5,
        })
        .replace(/^word$/, () => word)
        .replace(/^cut$/, () => cut)
        .replace(/^phrase$/, () => `"${word} ${random.pick(WORDS)}"`)
        .replace(/^not$/, () => `-${word}`)
        .replace(/^from$/, () => `from:${who}`)
        .replace(/^name$/, () => `from:${random.pick(["ann", "an", "bert", "cy", "nobody"])}`)
        .replace(/^me$/, () => "from:me")
        .replace(/^mentions$/, () => "mentions:me")
        .replace(/^has$/, () => "has:link");
    };
    return Array.from({ length: random.weighted({ 1: 6, 2: 3, 3: 1 }) === "1" ? 1 : 2 }, part).join(
      " ",
    );
  }

  /** Changes something; resolves when that is acknowledged. */
  async change({ withEvictions = true } = {}): Promise<string> {
    const { random } = this;
    const who = random.pick(this.present);
    const what = random.weighted({
      ...{ send: 8, burst: 3, edit: 5, delete: 2, react: 2 },
      ...{ block: 2, unblock: 2, remove: 0.7, add: 1.5, evict: withEvictions ? 1 : 0 },
    });
    switch (what) {
      case "send":
        await this.send(who, 1);
        break;
      case "burst":
        await this.send(who, random.between(2, 9));
        break;
      case "edit":
      case "delete":
      case "react":
        await this.alter(what);
        break;
      case "block":
      case "unblock":
        await this.block(who, random.pick(this.people), what === "block");
        break;
      case "remove":
        if (this.present.length < 3 || who === this.people[0]) break;
        await who.delete(`/api/v1/chat/conversations/${this.group}/participants/${who.userId}`);
        this.present = this.present.filter((one) => one !== who);
        break;
      case "add": {
        const gone = this.people.find((one) => !this.present.includes(one));
        const path = `/api/v1/chat/conversations/${this.group}/participants`;
        const answer = gone && (await this.people[0]?.post(path, { participantId: gone.userId }));
        if (gone && answer?.status === 200) this.present.push(gone);
        break;
      }
      case "evict":
        await this.wake();
    }
    return what;
  }

  /** The object starts again from what it has stored. */
  async wake(): Promise<void> {
    await evict(this.group, { webSockets: "hibernate" });
    await this.bound();
  }

  async bound(): Promise<void> {
    const failures = await withBounds(this.group);
    failures.push = (...some) => this.failures.push(...some);
  }

  /** A page of a search over RPC or a native socket: numbers, and where it goes on. */
  async page(
    who: Caller,
    q: string,
    limit: number,
    before: number | undefined,
  ): Promise<{ numbers: number[]; texts: string[]; back: number | undefined } | string> {
    if (this.random.chance(0.3)) {
      const socket = await openLive(who, this.group);
      const cursor = before === undefined ? undefined : messageIdOf(this.group, before);
      socket.send({ op: "search", id: "q", q, limit, ...(cursor && { before: cursor }) });
      await socket.until(() => socket.events.some((one) => "id" in one && one.id === "q"));
      const [refused] = socket.all("error");
      if (refused) return refused.code;
      const answer = await socket.next("found");
      socket.close(1_000);
      const back = answer.cursor ? Number(this.numberIn(answer.cursor)) : undefined;
      const messages = answer.hits.map(({ message }) => message);
      const texts = messages.map(({ content }) => content);
      return { numbers: messages.map(({ number }) => number), texts, back };
    }
    const question = {
      ...{ q, limit, maxRows: this.random.pick([1, 30, 200_000]) },
      ...(before !== undefined && { before: { number: before } }),
    };
    const answer = await conversationOf(env, this.group).search(
      actorOf(who.userId),
      question,
      FORM,
    );
    if (!answer.ok) return answer.error.code;
    const { hits, searchedBack } = answer.value;
    return {
      numbers: hits.map(({ number }) => number),
      texts: hits.map(({ text }) => JSON.parse(text).content),
      back: searchedBack?.number,
    };
  }

  private numberIn(messageId: string): number {
    // The last 40 bits of the id.
    return Number.parseInt(messageId.replaceAll("-", "").slice(-10), 16);
  }

  private async send(who: Caller, count: number): Promise<void> {
    const commands = Array.from({ length: count }, () => ({
      ...({
        type: "send",
        kind: "text",
        content: this.text(),
        clientMessageId: undefined,
      } as const),
      ...{ maxLength: 2_000, mentions: this.random.chance(0.2) ? [this.someId()] : undefined },
    }));
    const options = { wait: false, readers: false };
    const answers = await conversationOf(env, this.group).submitAll(
      actorOf(who.userId),
      commands,
      options,
    );
    expect(answers.every(({ result }) => result.ok)).toBe(true);
  }

  private someId(): string {
    return this.random.pick(this.present).userId;
  }

  private async alter(what: "edit" | "delete" | "react"): Promise<void> {
    const [owner] = this.people;
    if (!owner) return;
    const all = (await allMessages(this.group, owner.userId)).filter(
      ({ senderId, deletedAt }) => senderId !== null && deletedAt === null,
    );
    const message = this.random.any(all);
    const author = this.people.find(({ userId }) => userId === message?.senderId);
    if (!message || !author) return;
    const messageId = messageIdOf(this.group, message.number);
    const command = {
      edit: { type: "edit", messageId, content: this.text(), maxLength: 2_000 } as const,
      delete: { type: "delete", messageId } as const,
      react: { type: "react", messageId, emoji: "👍" } as const,
    }[what];
    const options = { wait: false, readers: false };
    await conversationOf(env, this.group).submit(actorOf(author.userId), command, options);
  }

  private async block(who: Caller, other: Caller, blocked: boolean): Promise<void> {
    if (who === other) return;
    const fact = { userId: who.userId, blockedId: other.userId, blocked, version: ++this.version };
    await objectOf(this.group).applyBlocks([fact]);
  }
}

/** What a scan of everything that somebody may read finds now: the definition. `undefined`: no such query. */
export async function scanned(
  group: string,
  who: Caller,
  q: string,
): Promise<Message[] | undefined> {
  const query = parseQuery(q);
  if (!query.ok) return undefined;
  const nameOf = await within(group, (_, { sql }) => namesOfMembers(sql, 1_000));
  const context = { userId: who.userId, nameOf: (userId: string) => nameOf.get(userId) ?? null };
  const all = await allMessages(group, who.userId);
  return all.filter((message) => matches(query.value, message, context));
}
