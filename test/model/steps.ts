import fc from "fast-check";
import type { Act, Talk } from "./model.ts";

/**
 * One step of a run, as data: numbers that a world takes for whoever and whatever is there by then,
 * so that a run without some of its steps is still a run.
 */
export interface Step {
  /** One deed by REST or socket, or several that are committed together. */
  type: "alone" | "together" | "createGroup" | "createChannel" | "sleep";
  where: number;
  deeds: [Deed, ...Deed[]];
  bySocket: boolean;
  /** Whom the world is looked at as, afterwards. */
  viewer: number;
}

export interface Deed {
  type: Act["type"];
  who: number;
  /** Whether it may be done by anybody, and not only by those who are in the conversation. */
  fromOutside: boolean;
  whom: number;
  /** Counted from the newest. */
  messages: number[];
  emoji: string;
}

/** How often each deed comes, in relation to the others. */
const DEEDS: Record<Deed["type"], number> = {
  ...{ send: 24, delete: 8, react: 10, unreact: 6 },
  ...{ read: 12, readSome: 6, readUpTo: 5, readAll: 6 },
  ...{ add: 8, remove: 7, join: 6, leave: 4, invite: 3, expel: 2 },
  ...{ promote: 2, demote: 1, archive: 1, unarchive: 2 },
};

const STEPS: Record<Step["type"], number> = {
  ...{ alone: 90, together: 15, createGroup: 1, createChannel: 1, sleep: 2 },
};

const SOME_EMOJIS = ["👍", "🎉", "❤️", "🍕"];

function weighted<T extends string | boolean>(...options: [T, number][]): fc.Arbitrary<T> {
  return fc.oneof(...options.map(([value, weight]) => ({ arbitrary: fc.constant(value), weight })));
}

const deed: fc.Arbitrary<Deed> = fc.record({
  type: weighted(...(Object.entries(DEEDS) as [Deed["type"], number][])),
  who: fc.nat(19),
  fromOutside: weighted([false, 4], [true, 1]),
  whom: fc.nat(23),
  messages: fc.array(fc.nat(12), { minLength: 1, maxLength: 4 }),
  emoji: fc.constantFrom(...SOME_EMOJIS),
});

export const step: fc.Arbitrary<Step> = fc.record({
  type: weighted(...(Object.entries(STEPS) as [Step["type"], number][])),
  where: fc.nat(30),
  deeds: fc
    .tuple(deed, fc.array(deed, { minLength: 1, maxLength: 5 }))
    .map(([first, more]): [Deed, ...Deed[]] => [first, ...more]),
  bySocket: fc.boolean(),
  viewer: fc.nat(20),
});

/** The element that a number stands for. */
export function pick<T>(list: readonly T[], n: number): T {
  const found = list[n % list.length];
  if (found === undefined) throw new Error("nothing to pick from");
  return found;
}

/** What a deed comes to in a conversation. `people`: everybody, and one whom the server does not know. */
export function actOf(
  { type, whom, messages, emoji }: Deed,
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
  }
}
