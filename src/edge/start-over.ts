import type { StartedOver, StartOver } from "../conversation/start-over.ts";
import { conversationOf } from "../conversation/stub.ts";
import type { Env } from "../env.ts";

/**
 * Begins a new epoch of a conversation; with the same id once, however often it is called. Rejects where that
 * could not be found out. `undefined`: there is no such conversation.
 */
export async function startOver(
  env: Env,
  conversationId: string,
  request: StartOver,
): Promise<StartedOver | undefined> {
  const call = () => conversationOf(env, conversationId).startOver(request);
  // The restart of the object ends the first call; the second finds the epoch that it has begun.
  return call().catch(call);
}
