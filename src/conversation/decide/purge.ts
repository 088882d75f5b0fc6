import { fail, ok, type Result } from "../../domain/error.ts";
import type { Actor } from "../../domain/policy.ts";
import { withoutRead } from "../../domain/read-ranges.ts";
import { readAmong } from "../../domain/retention.ts";
import { isHiddenFrom } from "./blocks.ts";
import type { Change, Command, Decision, State } from "./types.ts";

/** Who acts where messages are removed and legal holds taken: no user. */
export const RETAINING: Actor = {
  ...{ userId: "", name: null, avatarUrl: null, role: "user", reach: "member" },
};

/** Members whose figures one commit adjusts at most. */
const MAX_ADJUSTED = 500;

/**
 * Removes the messages up to a number that are not pinned, and those before it that are not pinned any more. They
 * count as read by everybody from then on, and so do the pinned ones. Members who have read nothing beyond their
 * `readUpTo` cost nothing: their figures are read with the number. Those of the others are adjusted; where they are
 * too many for one commit, some of them are, and nothing is removed yet.
 */
export function decidePurge(
  state: State,
  { upTo }: Extract<Command, { type: "purge" }>,
): Result<Decision> {
  const { conversation, counters } = state;
  if (state.isHeld) return fail("legal_hold");
  const { purgedTo = 0, pins = [] } = conversation;
  const to = Math.min(Math.max(upTo, purgedTo), counters.lastNumber);
  const pinned = new Set(pins.map(({ number }) => number));
  const messages = state.purgeable(to);
  const gone = messages.filter(({ number }) => !pinned.has(number));
  if (to === purgedTo && gone.length === 0) {
    return ok({ changes: [], counters, answer: { rev: counters.rev } });
  }
  const changes: Change[] = [];
  let { rev } = counters;
  const behind = to > purgedTo ? state.membersBehind(to, MAX_ADJUSTED + 1) : [];
  for (const member of behind.slice(0, MAX_ADJUSTED)) {
    const { userId, readUpTo } = member;
    const covered = state.readFacts(member).covered(readUpTo + 1, to);
    const read = readAmong(messages, { userId, readUpTo, upTo: to }, covered, (senderId, number) =>
      isHiddenFrom(state, userId, { senderId, number }),
    );
    rev++;
    changes.push({ type: "flag", member: { ...member, ...withoutRead(member, to, read), rev } });
  }
  if (behind.length > MAX_ADJUSTED) {
    return ok({ changes, counters: { ...counters, rev }, answer: { rev } });
  }
  rev++;
  changes.push({
    ...({ type: "conversation", isPurged: true } as const),
    conversation: { ...conversation, purgedTo: to, rev },
  });
  const goneNumbers = new Set(gone.map(({ number }) => number));
  const counted = gone.filter(({ senderId, isDeleted }) => senderId !== null && !isDeleted).length;
  const { lastCounted } = counters;
  const kept = messages.flatMap(({ number }) => (pinned.has(number) ? number : []));
  return ok({
    changes,
    counters: {
      ...{ ...counters, rev, counted: counters.counted - counted },
      lastCounted: goneNumbers.has(lastCounted) ? (kept.at(-1) ?? 0) : lastCounted,
    },
    effects: [
      {
        ...{ type: "purged", to, kept },
        mentions: messages.flatMap(({ number, mentioned }) =>
          mentioned.map((userId) => [userId, number] as const),
        ),
      },
    ],
    answer: { rev },
  });
}
