import type { ConversationStub, Rebuilt } from "../conversation/api.ts";
import { conversationOf, objectOf } from "../conversation/stub.ts";
import { parseConversationId } from "../domain/id.ts";
import type { Env } from "../env.ts";
import { log } from "../logging.ts";

/** Conversations of one call at most: each is a call of an object. */
export const MAX_REBUILT = 50;

/** From the start, or from where D1 is. */
export type RebuildFrom = Parameters<ConversationStub["rebuild"]>[0];

export interface RebuildOutcome {
  rebuilt: number;
  unfinished: Rebuilt[];
  failed: { id: string; reason: "conversation_not_found" | "unavailable" }[];
}

/**
 * Rebuilds the given conversations in D1, by their ids or by those of their objects. `context` is logged with a
 * failure.
 */
export async function rebuildConversations(
  env: Env,
  ids: readonly string[],
  from: RebuildFrom,
  context: Record<string, unknown> = {},
): Promise<RebuildOutcome> {
  const outcome: RebuildOutcome = { rebuilt: 0, unfinished: [], failed: [] };
  await Promise.all(
    ids.map(async (id) => {
      try {
        const done = await stubOf(env, id).rebuild(from);
        if (!done) outcome.failed.push({ id, reason: "conversation_not_found" });
        else if (done.projectedRev < done.rev) outcome.unfinished.push(done);
        else outcome.rebuilt++;
      } catch (error) {
        log("rebuild_failed", { ...context, id, error });
        outcome.failed.push({ id, reason: "unavailable" });
      }
    }),
  );
  return outcome;
}

function stubOf(env: Env, id: string): ConversationStub {
  const conversationId = parseConversationId(id);
  return conversationId ? conversationOf(env, conversationId) : objectOf(env, id);
}
