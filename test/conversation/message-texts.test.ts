import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { type MessageForm, MessageTexts } from "../../src/conversation/queries/message-texts.ts";
import { RecentMessages } from "../../src/conversation/queries/recent.ts";
import type { Message } from "../../src/domain/message.ts";
import { directPair, objectOf, send } from "../support.ts";

const HOUR = 60 * 60_000;
const HERE = "https://here.test";

/** A form that counts what is written in it. */
class Counting implements MessageForm {
  written = 0;
  readonly name: string;
  private readonly padding: string;

  constructor(name = "counting", padding = "") {
    this.name = name;
    this.padding = padding;
  }

  present(_: string, { content }: { content: string }, readers: readonly unknown[]): object {
    this.written++;
    return { content, readers: readers.length, padding: this.padding };
  }
}

interface World {
  texts: MessageTexts;
  recent: RecentMessages;
  /** All messages, in memory. */
  messages: Message[];
  pass(ms: number): void;
}

/** Over the storage of a conversation with three messages. */
async function withTexts(check: (world: World) => void): Promise<void> {
  const { alice, conversationId } = await directPair();
  for (const content of ["one", "two", "three"]) await send(alice, conversationId, content);
  await runInDurableObject(objectOf(conversationId), (_, { storage: { sql } }) => {
    let now = 10 * HOUR;
    const recent = new RecentMessages(sql);
    const linkTo = () => () => "link";
    const texts = new MessageTexts({ conversationId, recent, linkTo, clock: () => now });
    const pass = (ms: number) => {
      now += ms;
    };
    check({ texts, recent, messages: recent.between(1, 3, { lastNumber: 3 }), pass });
  });
}

function writeAll({ texts, messages }: World, form: MessageForm, address = HERE): string[] {
  const write = texts.writer(form, address);
  return messages.map((message) => write(message));
}

test("a message in memory is written once for each form and address", () =>
  withTexts((world) => {
    const [form, other] = [new Counting("one"), new Counting("another")];
    const texts = writeAll(world, form);
    expect(texts[0]).toBe('{"content":"one","readers":0,"padding":""}');
    expect(writeAll(world, form)).toEqual(texts);
    expect(form.written).toBe(3);
    writeAll(world, other);
    writeAll(world, form, "https://there.test");
    expect([form.written, other.written]).toEqual([6, 3]);
  }));

test("a message that changed is written anew, and so is one that others have read", () =>
  withTexts((world) => {
    const form = new Counting();
    writeAll(world, form);
    const [one] = world.messages;
    if (!one) throw new Error("no message");
    const edited = { ...one, content: "edited", rev: 99 };
    world.recent.follow([{ type: "message", cause: "edited", message: edited }]);
    const write = world.texts.writer(form, HERE);
    const [first, ...others] = world.recent.between(1, 3, { lastNumber: 3 });
    if (!first) throw new Error("no message");
    expect(write(first)).toContain("edited");
    for (const message of others) write(message);
    expect(form.written).toBe(4);
    expect(write(first, [{ userId: "bob", readAt: 1 }])).toContain('"readers":1');
    write(first, [{ userId: "bob", readAt: 1 }]);
    expect(form.written).toBe(5);
    write(first, [{ userId: "bob", readAt: 2 }]);
    write(first, [{ userId: "cyd", readAt: 2 }]);
    expect(form.written).toBe(7);
  }));

test("messages are written anew every hour, with new links", () =>
  withTexts((world) => {
    const form = new Counting();
    for (const [ms, written] of [
      [0, 3],
      [HOUR - 1, 3],
      [1, 6],
      [HOUR - 1, 6],
    ] as const) {
      world.pass(ms);
      writeAll(world, form);
      expect(form.written).toBe(written);
    }
  }));

test("messages that are not in memory are not kept", () =>
  withTexts(({ texts, messages }) => {
    const form = new Counting();
    const write = texts.writer(form, HERE);
    for (const message of messages) {
      const copy = { ...message };
      write(copy);
      write(copy);
    }
    expect(form.written).toBe(6);
  }));

test("at most about 512 Ki characters are kept", () =>
  withTexts((world) => {
    const [small, large] = [new Counting("small"), new Counting("large", "x".repeat(200_000))];
    writeAll(world, small);
    writeAll(world, large);
    writeAll(world, small);
    expect([small.written, large.written]).toEqual([6, 3]);
    writeAll(world, small);
    expect(small.written).toBe(6);
  }));

test("at most four forms and addresses are kept", () =>
  withTexts((world) => {
    const form = new Counting();
    for (let i = 0; i < 4; i++) writeAll(world, form, `https://${i}.test`);
    for (let i = 0; i < 4; i++) writeAll(world, form, `https://${i}.test`);
    expect(form.written).toBe(12);
    writeAll(world, form, "https://4.test");
    writeAll(world, form, "https://0.test");
    expect(form.written).toBe(18);
  }));
