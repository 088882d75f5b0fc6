import { ok, type Result } from "../../domain/error.ts";
import type { Message } from "../../domain/message.ts";
import { changed } from "./moderate.ts";
import type { Command, Decision, Effect, State } from "./types.ts";

/** A legal hold, and what an admin decides about retention. */

/** Takes that a hold stands, or no longer. Nobody is told: nothing gets a revision by it. */
export function decideHold(
  state: State,
  { subject, standing }: Extract<Command, { type: "hold" }>,
): Result<Decision> {
  const { counters } = state;
  const type = standing ? ("held" as const) : ("released" as const);
  const effects: Effect[] = [{ type, subject, at: state.clock }];
  return ok({ changes: [], counters, effects, answer: { rev: counters.rev } });
}

/** Days of an admin hold whatever the setting says; `null`: as that says. */
export function decideRetain(state: State, days: number | null): Result<Decision> {
  const { retentionDays: before, retentionByAdmin: wasAdmins, ...rest } = state.conversation;
  const isSame = days === null ? before === undefined : before === days && wasAdmins === true;
  if (isSame) {
    return ok({ changes: [], counters: state.counters, answer: { rev: state.conversation.rev } });
  }
  const own = days === null ? {} : { retentionDays: days, retentionByAdmin: true as const };
  return ok(changed(state, { ...rest, ...own }));
}

/** What is kept of a message that changes while a hold stands. */
export function formerEffects(state: State, before: Message, rev: number): Effect[] {
  return state.isHeld ? [{ type: "former", rev, message: before }] : [];
}
