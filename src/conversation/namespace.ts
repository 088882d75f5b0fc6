import { type Env, settingsOf } from "../env.ts";

/**
 * Where conversations live: everywhere, or in the jurisdiction that `JURISDICTION` names. The same
 * name is another object in another jurisdiction: whoever changes the setting starts anew.
 */
export function conversationsOf(env: Env): Env["CONVERSATIONS"] {
  const settings = settingsOf(env);
  if (settings instanceof Error) throw settings;
  const { JURISDICTION } = settings;
  return JURISDICTION ? env.CONVERSATIONS.jurisdiction(JURISDICTION) : env.CONVERSATIONS;
}
