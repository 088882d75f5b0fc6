import { type Failure, fail, ok, type Result } from "../../domain/error.ts";
import { allowance } from "../../domain/rate-window.ts";
import type { Command, CommandRequest, Decision, Spending, State } from "./types.ts";

/** Commands that count against an abuse limit, and which one. */
const SPENDS: Partial<Record<Command["type"], Spending>> = {
  edit: "changes",
  delete: "changes",
  react: "changes",
  unreact: "changes",
  update: "changes",
  pin: "changes",
  unpin: "changes",
  ban: "changes",
  unban: "changes",
  mute: "changes",
  unmute: "changes",
  read: "reads",
};

/**
 * Adds to a decision the abuse limit that it counts against, or refuses it when that limit is used
 * up. Decisions without changes do not count, and admins have no abuse limits.
 */
export function withAbuseLimits(
  state: State,
  request: CommandRequest,
  decision: Decision,
): Result<Decision> {
  const spends = SPENDS[request.command.type];
  const { changes, figures = [], effects = [] } = decision;
  const changesNothing = changes.length + figures.length + effects.length === 0;
  const { abuse } = state.limits;
  if (!abuse || !spends || changesNothing || request.actor.role === "admin") return ok(decision);
  const { userId } = request.actor;
  const { allowed, limit, resetMs } = allowance(
    state.spent(spends, userId),
    spends === "changes" ? abuse.changesPerMinute : abuse.readsPerMinute,
    state.clock,
  );
  if (!allowed) {
    return tooMany(
      spends === "changes"
        ? `At most ${limit} edits, deletions and reactions a minute can be made here.`
        : `At most ${limit} marks a minute can be set here.`,
      `${spends}_per_minute`,
      resetMs,
    );
  }
  const waitMs = spends === "changes" ? state.changesWaitMs(userId) : 0;
  if (waitMs > 0) {
    const message = "Too many edits, deletions and reactions over all conversations.";
    return tooMany(message, "changes_per_minute_everywhere", waitMs);
  }
  return ok({ ...decision, spends });
}

function tooMany(message: string, limit: string, retryAfterMs: number): Failure {
  return fail("rate_limited", { message, limit, retryAfterMs });
}
