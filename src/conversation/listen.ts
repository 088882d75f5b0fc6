import { isLarge } from "../domain/conversation.ts";
import type { Actor } from "../domain/policy.ts";
import { MAX_SOCKETS_PER_USER } from "../live/version.ts";
import type { GatewayAddress, Listening } from "./gateways.ts";
import { memberOf } from "./log/members.ts";
import type { OpenConversation } from "./open.ts";

/** Lets the gateway of somebody who may read listen from now on. */
export function listen(
  open: OpenConversation,
  { userId }: Actor,
  address: GatewayAddress,
): Listening {
  const counted = memberOf(open.sql, userId)?.leftAt === null;
  open.listeners.add({ ...address, userId, counted });
  const { rev, memberCount } = open.memory.counters;
  return { rev, online: isLarge(memberCount) ? [] : open.sessions.online() };
}

/** Whether more gateways of a person listen than may. */
export function tooMany({ listeners }: OpenConversation, { userId }: Actor): boolean {
  return listeners.ofUser(userId).length > MAX_SOCKETS_PER_USER;
}
