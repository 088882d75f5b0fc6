import { fail, ok, type Result } from "../../domain/error.ts";
import { type Actor, refusal } from "../../domain/policy.ts";
import type { Command, Decision, State } from "./types.ts";

/** Sets or toggles a member's own archived flag. New messages do not reset it. */
export function decideArchiveForMember(
  state: State,
  actor: Actor,
  { archived }: Extract<Command, { type: "archive" }>,
): Result<Decision> {
  const refused = refusal(actor, "flag", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  const before = state.member(actor.userId);
  if (!before) return fail("not_a_member");
  if (archived === before.archived) {
    const { counters } = state;
    return ok({ changes: [], counters, answer: { rev: counters.rev, archived } });
  }
  const rev = state.counters.rev + 1;
  const member = { ...before, archived: !before.archived, rev };
  return ok({
    changes: [{ type: "flag", member }],
    counters: { ...state.counters, rev },
    answer: { rev, archived: member.archived },
  });
}
