import type { Random } from "../random.ts";

/** One object of the fuzz test as it is sent, with the expected answer. */
export interface FuzzObject {
  /** A whole frame (binary, oversized), or one line of a frame. */
  data: string | ArrayBuffer;
  alone: boolean;
  /**
   * Whether it is not a valid command: it is answered with an error, and too many close the socket.
   */
  bad: boolean;
  /** The id in its answer; if undefined, the answer is an error without an id. */
  id: string | undefined;
  op: string;
  fields: Record<string, unknown>;
}

/** What the fuzzing client knows of the conversation. */
export interface KnownState {
  conversationId: string;
  messageIds: readonly string[];
  rev: number;
}

const HUGE = "h".repeat(64 * 1024 + 1);
const GARBAGE = [
  "",
  " ",
  "{",
  "nope",
  '{"op":"send"',
  "null",
  "0",
  "[]",
  '"send"',
  "\u0000",
  "{}}",
  "ping ",
];
const CONTENTS = ["hi", " trimmed ", "two\nlines", "\t👋🏽", "ok", "why?"];
const LONG_CONTENTS = ["€".repeat(2_000), "👋".repeat(2_000)];
const BAD_CONTENTS = ["", " \n ", "x".repeat(2_001), "a\u0000b", "\u009b", "half \ud83d"];
const KEYS = ["k1", "k2", "k3", "k4", "k5"];

/** Generates objects; each has a unique id where its type allows one. */
export class ObjectGenerator {
  private readonly dice: Random;
  private readonly name: string;
  private made = 0;

  constructor(dice: Random, name: string) {
    this.dice = dice;
    this.name = name;
  }

  next(known: KnownState, badness: number): FuzzObject {
    const { dice } = this;
    if (!dice.chance(badness)) return this.command(known);
    switch (dice.below(5)) {
      case 0:
        return this.unreadable(new ArrayBuffer(dice.below(100)), true);
      case 1:
        return this.unreadable(HUGE, true);
      case 2:
        return this.unreadable(dice.pick(GARBAGE), true);
      case 3:
        return this.unreadable(dice.pick(GARBAGE.filter((text) => text !== "")), false);
      default:
        return this.mistyped();
    }
  }

  private unreadable(data: string | ArrayBuffer, alone: boolean): FuzzObject {
    return { data, alone, bad: true, id: undefined, op: "none", fields: {} };
  }

  /** A JSON object that is not a valid command. Sometimes its id is invalid too. */
  private mistyped(): FuzzObject {
    const { dice } = this;
    const fields = dice.pick<Record<string, unknown>>([
      { op: "shout" },
      { op: null },
      {},
      { op: "send", content: 1 },
      { op: "send", content: "x", clientMessageId: "a b" },
      { op: "send", content: "x", metadata: "m" },
      { op: "send", content: "x", mentions: [1] },
      { op: "send", content: "x", mentions: ["a", "a"] },
      { op: "send", content: "x", mentionsAll: "yes" },
      { op: "send", content: "x", silent: 1 },
      { op: "edit", content: "x", messageId: "m", mentions: "a" },
      { op: "send", content: "x", attachments: [1] },
      { op: "edit", messageId: "m" },
      { op: "edit", content: "x", messageId: 1 },
      { op: "delete" },
      { op: "read", messageIds: "all" },
      { op: "read", upTo: 1 },
      { op: "typing" },
      { op: "typing", active: 1 },
      { op: "history", limit: 0 },
      { op: "history", before: {} },
      { op: "sync" },
      { op: "sync", since: -1 },
      { op: "__proto__", content: "x" },
    ]);
    const id = dice.chance(0.7) ? this.id() : undefined;
    const shown = id ?? dice.pick([undefined, null, [], {}, true, "i".repeat(129)]);
    const data = JSON.stringify(shown === undefined ? fields : { ...fields, id: shown });
    return { data, alone: false, bad: true, id, op: "none", fields };
  }

  private command(known: KnownState): FuzzObject {
    const { dice } = this;
    const id = this.id();
    const fields = this.fields(known);
    const data = JSON.stringify({ ...fields, id, unknown: dice.chance(0.1) ? [null] : undefined });
    return { data, alone: false, bad: false, id, op: String(fields["op"]), fields };
  }

  private fields(known: KnownState): Record<string, unknown> {
    const { dice } = this;
    const contents = dice.chance(0.15) ? BAD_CONTENTS : CONTENTS;
    const content = dice.pick(dice.chance(0.02) ? LONG_CONTENTS : contents);
    switch (dice.below(9)) {
      case 0:
      case 1:
      case 2:
        return {
          op: "send",
          content,
          ...(dice.chance(0.2) && { clientMessageId: dice.pick(KEYS) }),
          ...(dice.chance(0.2) && { replyTo: this.messageId(known) }),
          ...(dice.chance(0.1) && { metadata: { a: [dice.below(3)] } }),
          ...(dice.chance(0.05) && { attachments: ["nobody's"] }),
        };
      case 3:
        return { op: "edit", messageId: this.messageId(known), content };
      case 4:
        return { op: "delete", messageId: this.messageId(known) };
      case 5:
        return {
          op: "read",
          ...(dice.chance(0.3) && { upTo: this.messageId(known) }),
          ...(dice.chance(0.9) && {
            messageIds: Array.from({ length: 1 + dice.below(4) }, () => this.messageId(known)),
          }),
        };
      case 6:
        return { op: "typing", active: dice.chance(0.5) };
      case 7:
        return {
          op: "history",
          ...(dice.chance(0.7) && {
            [dice.pick(["before", "after", "around"])]: this.messageId(known),
          }),
          limit: 1 + dice.below(10),
        };
      default:
        return { op: "sync", since: Math.max(0, known.rev - dice.below(20) + 2) };
    }
  }

  private messageId({ conversationId, messageIds }: KnownState): string {
    const { dice } = this;
    const bogus = ["", "x", conversationId, `${conversationId.slice(0, -10)}ffffffffff`];
    if (messageIds.length === 0 || dice.chance(0.1)) return dice.pick(bogus);
    // Mostly the newest ones, so that commands affect the same messages.
    const recent = dice.chance(0.8) ? messageIds.slice(-20) : messageIds;
    return dice.pick(recent);
  }

  private id(): string {
    return `${this.name}-${++this.made}`;
  }
}

/** Packs objects into frames; those that can share a frame sometimes do. */
export function framesOf(objects: readonly FuzzObject[], dice: Random): (string | ArrayBuffer)[] {
  const frames: (string | ArrayBuffer)[] = [];
  let open = false;
  for (const { data, alone } of objects) {
    const last = frames.at(-1);
    if (open && !alone && typeof last === "string" && dice.chance(0.3)) {
      frames[frames.length - 1] = `${last}\n${data}`;
    } else {
      frames.push(data);
    }
    open = !alone;
  }
  return frames;
}
