import { type Env, settingsOf } from "../env.ts";
import type { ConversationStub } from "./api.ts";
import type { InboxStub } from "./outbound/inboxes/inbox-api.ts";
import type {
  GatewayStub,
  Protocol,
  SubscriberProtocol,
  SubscriberStub,
} from "./outbound/subscribers/gateway-api.ts";
import { inboxOwner } from "./outbound/subscribers/inbox-address.ts";
import {
  PREVIOUS_CONVERSATION_METHODS,
  PREVIOUS_GATEWAY_METHODS,
  withPreviousNames,
} from "./rpc-versions.ts";

/** How the objects of conversations and gateways are reached. */

/**
 * The namespace of conversations, in the jurisdiction that `JURISDICTION` names. The same name is another
 * object in another jurisdiction, so changing the setting loses access to existing conversations.
 */
export function conversationsOf(env: Env): Env["CONVERSATIONS"] {
  const settings = settingsOf(env);
  if (settings instanceof Error) throw settings;
  const { JURISDICTION } = settings;
  return JURISDICTION ? env.CONVERSATIONS.jurisdiction(JURISDICTION) : env.CONVERSATIONS;
}

/** The namespace of a protocol's gateways, in the same jurisdiction. */
export function gatewaysOf(env: Env, protocol: Protocol) {
  const settings = settingsOf(env);
  if (settings instanceof Error) throw settings;
  const namespace = { socketio: env.SOCKETIO, signalr: env.SIGNALR }[protocol];
  return settings.JURISDICTION ? namespace.jurisdiction(settings.JURISDICTION) : namespace;
}

/** The object of a conversation; `hint` counts where the object does not exist yet. */
export function conversationOf(
  env: Env,
  conversationId: string,
  hint?: DurableObjectLocationHint,
): ConversationStub {
  return conversationStub(
    conversationsOf(env).getByName(conversationId, hint && { locationHint: hint }),
  );
}

/** An object by the id under which Cloudflare lists it. Throws on one of another namespace. */
export function objectOf(env: Env, objectId: string): ConversationStub {
  const namespace = env.CONVERSATIONS;
  return conversationStub(namespace.get(namespace.idFromString(objectId)));
}

/** The inbox of a user, in the same jurisdiction. */
export function inboxOf(env: Env, userId: string): InboxStub {
  const settings = settingsOf(env);
  if (settings instanceof Error) throw settings;
  const { JURISDICTION } = settings;
  const namespace = JURISDICTION ? env.INBOXES.jurisdiction(JURISDICTION) : env.INBOXES;
  const stub: unknown = namespace.getByName(userId);
  return stub as InboxStub;
}

/** The object of a gateway. */
export function gatewayOf(env: Env, protocol: Protocol, gateway: string): GatewayStub {
  const stub: unknown = gatewaysOf(env, protocol).getByName(gateway);
  return withPreviousNames(stub as GatewayStub, PREVIOUS_GATEWAY_METHODS);
}

/** A subscriber: the object of a gateway, or an inbox. */
export function subscriberOf(
  env: Env,
  protocol: SubscriberProtocol,
  gateway: string,
): SubscriberStub {
  if (protocol !== "inbox") return gatewayOf(env, protocol, gateway);
  const inbox = inboxOf(env, inboxOwner(gateway));
  return {
    deliver: (batch) => inbox.deliver(gateway, batch),
    deliverEphemeral: (id, line) => inbox.deliverEphemeral(gateway, id, line),
    isSubscribed: (id) => inbox.isSubscribed(gateway, id),
  };
}

function conversationStub(stub: unknown): ConversationStub {
  return withPreviousNames(stub as ConversationStub, PREVIOUS_CONVERSATION_METHODS);
}
