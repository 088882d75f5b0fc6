import { isLarge } from "../../../domain/conversation.ts";
import { fail, ok, type Result } from "../../../domain/error.ts";
import type { Actor } from "../../../domain/policy.ts";
import { VISIBLE_PRESENCE } from "../../../domain/presence.ts";
import { MAX_SOCKETS_PER_USER } from "../../../live/version.ts";
import type { OpenConversation } from "../../open.ts";
import { memberOf } from "../../tables/members.ts";
import type { PresentGateway, Subscribed } from "./gateway-api.ts";
import { epochOf } from "./subscribers.ts";

/**
 * Subscribes the gateway of a user who may read: at once, so that its next call finds it subscribed.
 * Where the person has too many, stale ones are evicted; rejected if none is stale.
 */
export async function subscribe(
  open: OpenConversation,
  { userId }: Actor,
  { presence = VISIBLE_PRESENCE, ...address }: PresentGateway,
): Promise<Result<Subscribed>> {
  const { subscribers } = open;
  const counted = memberOf(open.sql, userId)?.leftAt === null;
  open.presences.learn(userId, presence);
  subscribers.add({ ...address, userId, counted, visible: open.sessions.isShown(userId) });
  open.presences.check();
  const { rev, memberCount } = open.memory.counters;
  const online = open.sessions.online(userId).filter((other) => other !== userId || counted);
  const subscribed = {
    ...{ rev, online: isLarge(memberCount) ? [] : online },
    ...epochOf(open.beganAt),
  };
  const tooMany = () => subscribers.ofUser(userId).length > MAX_SOCKETS_PER_USER;
  if (tooMany()) await subscribers.evictStale(userId);
  if (!tooMany()) return ok(subscribed);
  subscribers.remove(address.gateway);
  const message = `At most ${MAX_SOCKETS_PER_USER} connections to a conversation; close one.`;
  return fail("rate_limited", { message });
}
