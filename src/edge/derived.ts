import type { Context } from "hono";
import type { Creation } from "../conversation/commit/create.ts";
import { isDeleted } from "../directory/deleted-conversations.ts";
import { derivedConversationId } from "../domain/id.ts";
import type { EdgeEnv } from "./context.ts";
import { createUnlessTaken } from "./conversations.ts";
import { refuse } from "./refusal.ts";

/**
 * Conversations whose id is derived from their people and subject. Where one was deleted, or somebody of it was erased
 * and is somebody new now, the next generation of the id takes its place: that of the same parts and its number.
 */

/** Generations at most. */
const MAX_GENERATIONS = 20;

/** The id of the newest generation that D1 does not know as deleted. */
export async function presentId(c: Context<EdgeEnv>, parts: readonly string[]): Promise<string> {
  for await (const id of idsOf(c, parts)) {
    if (!(await isDeleted(c.get("directory"), id))) return id;
  }
  return refuse("unavailable");
}

/** The conversation of these parts, created if it does not exist. */
export async function ensureDerived(
  c: Context<EdgeEnv>,
  parts: readonly string[],
  creation: Creation,
): Promise<{ conversationId: string; created: boolean }> {
  const spent = { isSpent: false };
  for await (const conversationId of idsOf(c, parts)) {
    const created = await createUnlessTaken(c, conversationId, creation, spent);
    if (created !== undefined) return { conversationId, created };
  }
  return refuse("unavailable");
}

async function* idsOf(c: Context<EdgeEnv>, parts: readonly string[]): AsyncGenerator<string> {
  const secret = c.get("settings").ID_SECRET;
  yield derivedConversationId(secret, parts);
  for (let generation = 2; generation <= MAX_GENERATIONS; generation++) {
    yield derivedConversationId(secret, [...parts, String(generation)]);
  }
}
