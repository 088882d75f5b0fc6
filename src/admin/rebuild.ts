import type { Context } from "hono";
import { z } from "zod";
import { conversationCount, conversationsAfter } from "../directory/register.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { refuse } from "../edge/refusal.ts";
import {
  type RebuildFrom,
  type RebuildOutcome,
  rebuildConversations,
} from "../jobs/rebuild-conversations.ts";
import { log } from "../logging.ts";

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
  from: RebuildFrom,
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
  from: RebuildFrom,
): Promise<RebuildOutcome> {
  const requestId = c.get("requestId");
  const outcome = await rebuildConversations(c.env, ids, from, { requestId });
  const { rebuilt, unfinished, failed } = outcome;
  log("rebuilt", {
    requestId,
    userId: c.get("actor").userId,
    rebuilt,
    unfinished: unfinished.length,
    failed: failed.length,
  });
  return outcome;
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
