import { isLarge } from "../domain/conversation.ts";
import { fail, ok, type Result } from "../domain/error.ts";
import type { Actor } from "../domain/policy.ts";
import { MAX_SOCKETS_PER_USER } from "../live/version.ts";
import type { GatewayAddress, Listening } from "./gateways.ts";
import { memberOf } from "./log/members.ts";
import type { OpenConversation } from "./open.ts";

/** Lets the gateway of somebody who may read listen from now on. */
export function listen(
  open: OpenConversation,
  actor: Actor,
  address: GatewayAddress,
): Result<Listening> {
  const { userId } = actor;
  const others = open.listeners.ofUser(userId).filter((one) => one.gateway !== address.gateway);
  if (others.length >= MAX_SOCKETS_PER_USER) {
    const message = `At most ${MAX_SOCKETS_PER_USER} connections to a conversation; close one.`;
    return fail("rate_limited", { message });
  }
  const counted = memberOf(open.sql, userId)?.leftAt === null;
  open.listeners.add({ ...address, userId, counted });
  const { rev, memberCount } = open.memory.counters;
  return ok({ rev, online: isLarge(memberCount) ? [] : open.sessions.online() });
}
