import fc from "fast-check";
import { expect, test } from "vitest";
import { audited } from "../../src/conversation/decide/audited.ts";
import { decide } from "../../src/conversation/decide/decide.ts";
import type { Change } from "../../src/conversation/decide/types.ts";
import { MemoryState } from "../domain/decide/state.ts";
import { requestOf, type Step, steps } from "../domain/decide/steps.ts";
import { type FreshCommitter, withCommitter } from "./fresh-committer.ts";

/**
 * Groups of random commands over real storage have the same result as their commands one by one over a state
 * in memory: batched rows, lookups made together and figures written at the end change nothing.
 */

const ROLES = { ada: "owner", mo: "moderator", bob: "member" } as const;

/** Steps, and after how many of them each group ends. */
const groups = fc.tuple(steps, fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }));

test("a group has the same result as its commands one by one", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("group" as const, "channel" as const), groups, (kind, run) =>
      withCommitter((fresh) => compare(fresh, kind, run), kind, ROLES),
    ),
    { numRuns: 25 },
  );
});

function compare(
  fresh: FreshCommitter,
  kind: "group" | "channel",
  [sequence, lengths]: [Step[], number[]],
): void {
  const twin = new MemoryState(kind, ROLES);
  Object.assign(fresh.limits, {
    ...twin.limits,
    abuse: { changesPerMinute: 6, readsPerMinute: 6 },
  });
  twin.limits = fresh.limits;

  // A list of no messages means all.
  const isOfAll = ({ does, picks }: (typeof sequence)[number]) =>
    does === "read all" || does === "read up to" || (does === "read some" && picks.length === 0);
  let left = sequence.filter((step) => !isOfAll(step));
  for (let round = 0; left.length > 0; round++) {
    const group = left.slice(0, lengths[round % lengths.length]);
    left = left.slice(group.length);
    fresh.clock += group.reduce((sum, { passed }) => sum + Math.max(0, passed), 0);
    twin.clock = fresh.clock;
    const now = Math.max(twin.clock, twin.counters.lastCreatedAt);
    const changes: Change[] = [];
    const results: unknown[] = [];
    fresh.openWindow();
    for (const step of group) {
      const { actor, command } = requestOf(step, twin);
      fresh.submit(actor.userId, command, actor);
      const decided = decide(twin, { actor, command }, now);
      const decision = decided.ok && audited(twin, { actor, command }, decided.value);
      results.push(decision ? { ok: true, value: decision.answer } : decided);
      if (!decision) continue;
      changes.push(...decision.changes);
      twin.apply(decision, actor.userId);
    }
    fresh.endWindow();
    fresh.endWindow();
    expect(fresh.answered.splice(0)).toEqual(results);
    expect(fresh.commits.at(-1)?.changes).toEqual(changes);
    expect(fresh.memory.counters).toEqual(twin.counters);
    for (const [userId, member] of twin.members) {
      expect(fresh.committer.state().member(userId)).toEqual(member);
    }
    fresh.expectMemoryToBeStored();
    if (group.length % 3 !== 0) continue;
    // The object has slept: what was spent of limits against abuse is in memory only.
    fresh.wake();
    twin.spending.changes.clear();
    twin.spending.reads.clear();
  }
  expect(fresh.faults).toEqual([]);
  expect(fresh.broken).toEqual([]);
}
