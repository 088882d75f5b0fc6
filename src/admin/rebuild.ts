import type { Context } from "hono";
import { z } from "zod";
import type { ConversationStub, Rebuilt } from "../conversation/api.ts";
import { conversationOf, objectOf } from "../conversation/stub.ts";
import { conversationCount, conversationsAfter } from "../directory/register.ts";
import { parseConversationId } from "../domain/id.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { refuse } from "../edge/refusal.ts";
import { log } from "../logging.ts";

type From = Parameters<ConversationStub["rebuild"]>[0];

export interface Outcome {
  rebuilt: number;
  unfinished: Rebuilt[];
  failed: { id: string; reason: string }[];
}

/**
 * The position of a rebuild: last id, rebuilt so far, total; counted once, because counting reads
 * every row.
 */
const position = z.tuple([z.string(), z.number().int(), z.number().int()]);

/** Rebuilds the next page of the conversations in D1. */
export async function rebuildNext(
  c: Context<EdgeEnv>,
  cursor: string | undefined,
  limit: number,
  from: From,
) {
  const directory = c.get("directory");
  const [after, before, of] = cursor
    ? positionOf(cursor)
    : ["", 0, await conversationCount(directory)];
  const ids = await conversationsAfter(directory, after, limit);
  const outcome = await rebuild(c, ids, from);
  const seen = before + ids.length;
  const last = ids.at(-1);
  const next = ids.length < limit || !last ? null : JSON.stringify([last, seen, of]);
  return { ...outcome, cursor: next && btoa(next), progress: { seen, of } };
}

/** Rebuilds the given conversations, by their ids or by those of their objects. */
export async function rebuild(
  c: Context<EdgeEnv>,
  ids: readonly string[],
  from: From,
): Promise<Outcome> {
  const outcome: Outcome = { rebuilt: 0, unfinished: [], failed: [] };
  await Promise.all(
    ids.map(async (id) => {
      try {
        const done = await stubOf(c, id).rebuild(from);
        if (!done) outcome.failed.push({ id, reason: "conversation_not_found" });
        else if (done.projectedRev < done.rev) outcome.unfinished.push(done);
        else outcome.rebuilt++;
      } catch (error) {
        log("rebuild_failed", { requestId: c.get("requestId"), id, error });
        outcome.failed.push({ id, reason: "unavailable" });
      }
    }),
  );
  const { rebuilt, unfinished, failed } = outcome;
  log("rebuilt", {
    requestId: c.get("requestId"),
    userId: c.get("actor").userId,
    rebuilt,
    unfinished: unfinished.length,
    failed: failed.length,
  });
  return outcome;
}

function stubOf(c: Context<EdgeEnv>, id: string): ConversationStub {
  const conversationId = parseConversationId(id);
  return conversationId ? conversationOf(c.env, conversationId) : objectOf(c.env, id);
}

function positionOf(cursor: string): z.infer<typeof position> {
  try {
    return position.parse(JSON.parse(atob(cursor)));
  } catch {
    refuse("invalid_request", {
      details: [{ path: "cursor", message: "not a cursor of this route" }],
    });
  }
}
