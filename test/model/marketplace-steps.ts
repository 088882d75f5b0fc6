import fc from "fast-check";

/** A message of a chat, counted from the newest or from the first, or an id that is not in it. */
export interface Pick {
  from: "newest" | "first" | "never" | "elsewhere";
  n: number;
}

/** One call. Users and chats are selected by number; `author` is the sender of the message. */
export type Call =
  | {
      do: "send";
      content: string;
      type: "text" | "system";
      reply: Pick | null;
      key: string | null;
      times: number;
      mentions: number[];
      mentionsAll: boolean;
    }
  | {
      do: "edit";
      message: Pick;
      content: string;
      author: boolean;
      mentions: number[] | null;
      mentionsAll: boolean | null;
    }
  | { do: "delete"; message: Pick; author: boolean }
  | { do: "read"; messages: Pick[] }
  /** Repeats the last marking of messages by their ids, by the same user. */
  | { do: "read-again" }
  | { do: "archive" }
  | { do: "add" | "remove"; whom: number }
  | { do: "list"; type: string | null; archived: boolean | null; limit: number; page: number }
  | { do: "history"; before: Pick | null; oldestFirst: boolean; limit: number; page: number };

export interface Step {
  /** Milliseconds before it. */
  after: number;
  who: number;
  chat: number;
  call: Call;
}

export const PEOPLE = 7;
/** A user whom the server does not know. */
export const NOBODY = PEOPLE;

const content = fc.oneof(
  { weight: 10, arbitrary: fc.nat(999).map((n) => `text ${n}`) },
  { weight: 1, arbitrary: fc.constantFrom("  padded \n", "", " \t", "x".repeat(5_000)) },
  { weight: 1, arbitrary: fc.constant("x".repeat(5_001)) },
);

const pick: fc.Arbitrary<Pick> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ from: fc.constant("newest"), n: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ from: fc.constant("first"), n: fc.nat(99) }) },
  {
    weight: 1,
    arbitrary: fc.record({ from: fc.constantFrom("never", "elsewhere"), n: fc.nat(2) }),
  },
);
/** An existing message, if there is one; often the same, so that marks and deletions interact. */
const existing: fc.Arbitrary<Pick> = fc.record({
  from: fc.constantFrom("newest", "newest", "first"),
  n: fc.nat(3),
});

const limit = fc.constantFrom(1, 2, 5, 100);
const page = fc.integer({ min: 1, max: 3 });
const times = fc.oneof(
  { weight: 12, arbitrary: fc.constant(1) },
  { weight: 1, arbitrary: fc.integer({ min: 2, max: 22 }) },
);
/** Mostly those who began a chat. */
const mentions = fc.uniqueArray(
  fc.oneof({ weight: 9, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(PEOPLE - 1) }),
  { maxLength: 2 },
);
const mentionsAll = fc.nat(5).map((n) => n === 0);
const sending = {
  mentions,
  mentionsAll,
  content,
  type: fc.constantFrom("text" as const, "text" as const, "system" as const),
  reply: fc.option(pick, { freq: 4 }),
  key: fc.option(fc.constantFrom("key-1", "key-2"), { freq: 4 }),
};
const author = fc.nat(3).map((n) => n > 0);

const call: fc.Arbitrary<Call> = fc.oneof(
  // Failing runs shrink to the first kind of call wherever a call is irrelevant.
  { withCrossShrink: true },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("history"),
      before: fc.option(pick),
      oldestFirst: fc.boolean(),
      limit,
      page,
    }),
  },
  { weight: 9, arbitrary: fc.record({ do: fc.constant("send"), ...sending, times }) },
  {
    weight: 5,
    arbitrary: fc.record({
      ...{ do: fc.constant("edit"), message: pick, content, author },
      mentions: fc.option(mentions, { freq: 2 }),
      mentionsAll: fc.option(mentionsAll, { freq: 2 }),
    }),
  },
  { weight: 7, arbitrary: fc.record({ do: fc.constant("delete"), message: pick, author }) },
  { weight: 1, arbitrary: fc.constant<Call>({ do: "read", messages: [] }) },
  { weight: 5, arbitrary: fc.constant<Call>({ do: "read-again" }) },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant("read"),
      messages: fc.array(existing, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("read"),
      messages: fc.array(pick, { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant<Call>({ do: "archive" }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("add"), whom: fc.nat(NOBODY) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("remove"), whom: fc.nat(NOBODY) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("list"),
      type: fc.option(fc.constantFrom("direct", "group", "support")),
      archived: fc.option(fc.boolean()),
      limit,
      page,
    }),
  },
);

const after = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 12, arbitrary: fc.nat(3_000) },
  { weight: 1, arbitrary: fc.constantFrom(59_999, 60_000, 15 * 60_000, 15 * 60_000 + 1) },
);

/** Runs of one length: otherwise half of them would be too short to find anything. */
export function steps(length: number): fc.Arbitrary<Step[]> {
  const step = fc.record({
    after,
    // Participants more often than strangers and staff.
    who: fc.oneof(
      { weight: 2, arbitrary: fc.nat(2) },
      { weight: 1, arbitrary: fc.nat(PEOPLE - 1) },
    ),
    // Most often the group, which supports most operations.
    chat: fc.constantFrom(0, 0, 0, 1, 2),
    call,
  });
  return fc.array(step, { minLength: length, maxLength: length, size: "max" });
}
