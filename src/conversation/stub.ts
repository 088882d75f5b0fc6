import { type Env, settingsOf } from "../env.ts";
import type { Protocol } from "./outbound/subscribers/gateway-api.ts";

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

/** Where the gateways of a protocol live: in the same jurisdiction. */
export function gatewaysOf(env: Env, protocol: Protocol) {
  const settings = settingsOf(env);
  if (settings instanceof Error) throw settings;
  const namespace = { socketio: env.SOCKETIO, signalr: env.SIGNALR }[protocol];
  return settings.JURISDICTION ? namespace.jurisdiction(settings.JURISDICTION) : namespace;
}
