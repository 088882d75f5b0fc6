import fc from "fast-check";
import type { Act, ModelConversation } from "./model.ts";

/**
 * One step of a run, as data: its numbers select from whatever exists at that time, so that a run
 * without some of its steps is still valid.
 */
export interface Step {
  type: "alone" | "together" | "createGroup" | "createChannel" | "sleep";
  where: number;
  /** The act of a step of type `alone`, over REST or a socket. */
  act: RandomAct;
  /** The acts of a step of type `together`: mostly joins and removals, many of them of one user. */
  acts: RandomAct[];
  whose: number;
  bySocket: boolean;
  /** The user from whose view the world is compared afterwards. */
  viewer: number;
}

export interface RandomAct {
  type: Act["type"];
  who: number;
  whom: number;
  /** Whether any user may be actor and target, and not only those with whom it can succeed. */
  wild: boolean;
  /** Counted from the newest. */
  messages: number[];
  emoji: string;
  mentioned: number[];
  mentionsAll: boolean;
}

/** The relative frequency of each kind of act. */
const ACT_WEIGHTS: Record<RandomAct["type"], number> = {
  ...{ send: 24, edit: 8, delete: 8, react: 10, unreact: 6 },
  ...{ read: 12, readSome: 6, readUpTo: 5, readAll: 6 },
  ...{ add: 8, remove: 7, join: 6, leave: 4, invite: 3, expel: 2 },
  ...{ promote: 2, demote: 1, archive: 1, unarchive: 2 },
};

const TOGETHER_WEIGHTS: Partial<typeof ACT_WEIGHTS> = {
  ...{ send: 8, edit: 2, delete: 2, react: 1, readSome: 2, readUpTo: 1, readAll: 2 },
  ...{ add: 5, remove: 5, join: 5, leave: 5, expel: 1, promote: 1 },
};

const STEPS: Record<Step["type"], number> = {
  ...{ alone: 80, together: 16, createGroup: 1, createChannel: 1, sleep: 2 },
};

const SOME_EMOJIS = ["👍", "🎉", "❤️", "🍕"];

function weighted<T extends string | boolean>(...options: [T, number][]): fc.Arbitrary<T> {
  return fc.oneof(...options.map(([value, weight]) => ({ arbitrary: fc.constant(value), weight })));
}

function randomAct(weights: Partial<typeof ACT_WEIGHTS>): fc.Arbitrary<RandomAct> {
  return fc.record({
    type: weighted(...(Object.entries(weights) as [RandomAct["type"], number][])),
    who: fc.nat(19),
    whom: fc.nat(23),
    wild: weighted([false, 4], [true, 1]),
    messages: fc.array(fc.nat(7), { minLength: 1, maxLength: 4 }),
    emoji: fc.constantFrom(...SOME_EMOJIS),
    mentioned: fc.uniqueArray(fc.nat(4), { maxLength: 3 }),
    mentionsAll: weighted([false, 4], [true, 1]),
  });
}

export const step: fc.Arbitrary<Step> = fc.record({
  type: weighted(...(Object.entries(STEPS) as [Step["type"], number][])),
  where: fc.nat(30),
  act: randomAct(ACT_WEIGHTS),
  acts: fc.array(randomAct(TOGETHER_WEIGHTS), { minLength: 3, maxLength: 8 }),
  whose: fc.nat(19),
  bySocket: fc.boolean(),
  viewer: fc.nat(20),
});

/** The element selected by a number. */
export function pick<T>(list: readonly T[], n: number): T {
  const found = list[n % list.length];
  if (found === undefined) throw new Error("nothing to pick from");
  return found;
}

/**
 * Possible actors and targets: all users, the most frequent one, and one whom the server does not
 * know.
 */
export interface Candidates {
  people: readonly string[];
  focus: string | undefined;
  unknown: string;
}

/** The actor. */
export function actorOf(
  { type, who, wild }: RandomAct,
  talk: ModelConversation,
  { people, focus }: Candidates,
): string {
  if (wild) return pick(people, who);
  const inside = people.filter((userId) => talk.members.has(userId));
  if (ADDING.includes(type) || MODERATING.includes(type)) {
    const moderators = inside.filter((userId) => talk.members.get(userId)?.role !== "member");
    return pick(moderators, who);
  }
  if (focus !== undefined && who % 2 === 0) return focus;
  const outside = people.filter((userId) => !talk.members.has(userId));
  return pick(type === "join" && outside.length > 0 ? outside : inside, who);
}

const ADDING: readonly RandomAct["type"][] = ["add", "invite"];
const MODERATING: readonly RandomAct["type"][] = [
  ...(["remove", "expel", "promote", "demote", "archive", "unarchive"] as const),
];

/** The target. */
function targetOf(
  { type, whom, wild }: RandomAct,
  talk: ModelConversation,
  { people, focus, unknown }: Candidates,
): string {
  if (wild) return pick([...people, unknown], whom);
  if (focus !== undefined) return focus;
  const isComing = ADDING.includes(type);
  const fit = people.filter((userId) => talk.members.has(userId) !== isComing);
  return pick(fit.length > 0 ? fit : people, whom);
}

/** The act in a conversation; undefined if it needs a message and there is none. */
export function actOf(
  act: RandomAct,
  talk: ModelConversation,
  userId: string,
  cast: Candidates,
): Act | undefined {
  const { type, whom, wild, messages, emoji } = act;
  // With few exceptions those who are members, and everybody where that is allowed.
  const candidates = wild ? cast.people : cast.people.filter((one) => talk.members.has(one));
  const mentions = [...new Set(act.mentioned.map((n) => pick(candidates, n)))];
  // Members also use the number of the next message, which does not exist.
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
      return { type, whom: targetOf(act, talk, cast) };
    case "join":
    case "leave":
    case "archive":
    case "unarchive":
    case "readAll":
      return { type };
    case "send": {
      const content = whom < 2 ? "" : `message ${messages.join()} ${emoji}`;
      const mayMentionAll = wild || talk.members.get(userId)?.role !== "member";
      const mentionsAll = act.mentionsAll && mayMentionAll;
      const replyTo = messages.length > 3 ? number : null;
      return { type, content, replyTo, mentions, mentionsAll };
    }
    case "react":
    case "unreact":
      return talk.messages.length + beyond > 0 ? { type, number, emoji } : undefined;
    case "edit":
    case "delete": {
      const own = talk.messages.flatMap(({ senderId }, i) => (senderId === userId ? [i + 1] : []));
      const chosen = !wild && own.length > 0 ? pick(own.slice(-4), whom) : number;
      if (talk.messages.length + beyond === 0) return undefined;
      if (type === "delete") return { type, number: chosen };
      const content = `edited ${messages.join()}`;
      return { type, number: chosen, content, mentions: act.mentionsAll ? null : mentions };
    }
    case "read":
    case "readUpTo":
      return talk.messages.length + beyond > 0 ? { type, number } : undefined;
    case "readSome":
      return { type, numbers: numbers.map((n) => Math.max(1, n)) };
  }
}
