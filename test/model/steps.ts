import fc from "fast-check";
import type { Act, Talk } from "./model.ts";

/**
 * One step of a run, as data: numbers that a world takes for whoever and whatever is there by then,
 * so that a run without some of its steps is still a run.
 */
export interface Step {
  type: Act["type"] | "createGroup" | "createChannel" | "sleep";
  who: number;
  /** Whether it may be done by anybody, and not only by those who are in the conversation. */
  fromOutside: boolean;
  where: number;
  whom: number;
  /** Messages, counted from the newest. */
  messages: number[];
  emoji: string;
  bySocket: boolean;
  /** Whom the world is looked at as, afterwards. */
  viewer: number;
}

/** How often each kind comes, in relation to the others. */
const WEIGHTS: Record<Step["type"], number> = {
  ...{ send: 24, delete: 8, react: 10, unreact: 6 },
  ...{ read: 12, readSome: 6, readUpTo: 5, readAll: 6 },
  ...{ add: 8, remove: 7, join: 6, leave: 4, invite: 3, expel: 2 },
  ...{ promote: 2, demote: 1, archive: 1, unarchive: 2 },
  ...{ createGroup: 1, createChannel: 1, sleep: 2 },
};

const SOME_EMOJIS = ["👍", "🎉", "❤️", "🍕"];

const types = (Object.keys(WEIGHTS) as Step["type"][]).map((type) => ({
  arbitrary: fc.constant(type),
  weight: WEIGHTS[type],
}));

export const step: fc.Arbitrary<Step> = fc.record({
  type: fc.oneof(...types),
  who: fc.nat(19),
  fromOutside: fc.oneof(
    { arbitrary: fc.constant(false), weight: 4 },
    { arbitrary: fc.constant(true), weight: 1 },
  ),
  where: fc.nat(30),
  whom: fc.nat(23),
  messages: fc.array(fc.nat(12), { minLength: 1, maxLength: 4 }),
  emoji: fc.constantFrom(...SOME_EMOJIS),
  bySocket: fc.boolean(),
  viewer: fc.nat(20),
});

/** The element that a number stands for. */
export function pick<T>(list: readonly T[], n: number): T {
  const found = list[n % list.length];
  if (found === undefined) throw new Error("nothing to pick from");
  return found;
}

/** What a step comes to in a conversation: `whom` are all people, and one whom nobody knows. */
export function actOf(
  { type, whom, messages, emoji }: Step,
  talk: Talk,
  userId: string,
  people: readonly string[],
): Act | undefined {
  // Members also name a message that is still to come.
  const beyond = talk.members.has(userId) ? 1 : 0;
  const numbers = messages.map((back) => talk.messages.length + beyond - back);
  const number = Math.max(1, numbers[0] ?? 1);
  switch (type) {
    case "add":
    case "remove":
    case "invite":
    case "expel":
    case "promote":
    case "demote":
      return { type, whom: pick(people, whom) };
    case "join":
    case "leave":
    case "archive":
    case "unarchive":
    case "readAll":
      return { type };
    case "send": {
      const content = whom < 2 ? "" : `message ${messages.join()} ${emoji}`;
      return { type, content, replyTo: messages.length > 3 ? number : null };
    }
    case "react":
    case "unreact":
      return talk.messages.length + beyond > 0 ? { type, number, emoji } : undefined;
    case "read":
    case "readUpTo":
    case "delete":
      return talk.messages.length + beyond > 0 ? { type, number } : undefined;
    case "readSome":
      return { type, numbers: numbers.map((n) => Math.max(1, n)) };
    default:
      return undefined;
  }
}
