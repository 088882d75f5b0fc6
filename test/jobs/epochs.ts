import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import {
  restartAnew,
  type StartedOver,
  type StartOver,
  startedOver,
} from "../../src/conversation/start-over.ts";
import { within } from "../conversation/searching.ts";
import { objectOf } from "../support.ts";
import { type Copy, putBack } from "./time-machine.ts";

/** Parts of the tests of epochs and restores. */

/** Begins a new epoch of a conversation, as an erasure or a restore does; with the same id once. */
export function startOver(conversationId: string, request: StartOver): Promise<StartedOver> {
  const call = () =>
    within(conversationId, async (open, _, ctx) => {
      open.settle();
      return startedOver(open.sql, request.by) ?? (await restartAnew(ctx, request, Date.now()));
    });
  // The restart of the object ends the first call.
  return call().catch(call);
}

/** What D1 has of a conversation that depends on its state, apart from the version of each row. */
export async function projected(conversationId: string): Promise<Record<string, unknown[]>> {
  const all = async (query: string) =>
    (await env.DB.prepare(query).bind(conversationId).all()).results;
  return {
    conversation: await all(
      `SELECT title, member_count, last_number, message_count, last_message, last_message_at
       FROM conversations WHERE id = ?`,
    ),
    members: await all(
      `SELECT user_id, role, joined_at, left_at, archived, read_up_to, read_beyond, request
       FROM members WHERE conversation_id = ? ORDER BY user_id`,
    ),
    uncounted: await all("SELECT number FROM uncounted WHERE conversation_id = ? ORDER BY number"),
    blocks: await all(
      "SELECT block, count FROM uncounted_blocks WHERE conversation_id = ? AND count > 0 ORDER BY 1",
    ),
    mentions: await all(
      "SELECT user_id, number, sender_id FROM mentions WHERE conversation_id = ? ORDER BY 1, 2",
    ),
    read: await all(
      "SELECT user_id, number FROM mentions_read WHERE conversation_id = ? ORDER BY 1, 2",
    ),
    epochs: await all(
      `SELECT epoch FROM conversations WHERE id = ?1
       UNION SELECT epoch FROM members WHERE conversation_id = ?1`,
    ),
  };
}

/** The newest revision of a conversation. */
export async function revOf(conversationId: string): Promise<number> {
  return (await objectOf(conversationId).rebuild("here"))?.rev ?? 0;
}

/** Resolves once D1 has everything of a conversation. */
export async function settled(conversationId: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const rebuilt = await objectOf(conversationId).rebuild("here");
      expect(rebuilt?.projectedRev).toBe(rebuilt?.rev);
    },
    { timeout: 10_000 },
  );
}

/** The epoch of a conversation that D1 has. */
export async function epochOf(id: string) {
  const query = "SELECT epoch FROM conversations WHERE id = ?";
  return (await env.DB.prepare(query).bind(id).first<{ epoch: string }>())?.epoch;
}

/** Takes what an object stores back to a copy, as somebody would who knows nothing of epochs. */
export async function takeBack(conversationId: string, copy: Copy): Promise<void> {
  const gone = runInDurableObject(objectOf(conversationId), async (_, context) => {
    putBack(context.storage, copy);
    await context.storage.sync();
    context.abort("taken back");
  });
  await gone.catch(() => undefined);
}
