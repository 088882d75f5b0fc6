import { chatError } from "../../../domain/error.ts";
import { CLOSE, MAX_SOCKETS_PER_USER } from "../../../live/version.ts";
import { errorEventOf } from "../../../live/wire.ts";
import type { ConnectionIdentity } from "../../identity.ts";
import type { OpenConversation } from "../../open.ts";
import { memberOf } from "../../tables/members.ts";
import { featuresOf, greetingFor } from "./greeting.ts";
import { refusedUpgrade } from "./socket.ts";

/** Accepts the socket of a verified person and sends `hello` and the first `sync`, in one frame. */
export function connect(
  open: OpenConversation,
  identity: ConnectionIdentity,
  query: URLSearchParams,
): Response {
  const { sql, sessions } = open;
  const member = memberOf(sql, identity.userId);
  if (member?.leftAt !== null) return refusedUpgrade(CLOSE.notAMember, "not a member");
  sessions.evictStale(sessions.ofUser(identity.userId));
  if (sessions.ofUser(identity.userId).size >= MAX_SOCKETS_PER_USER) {
    const message = `At most ${MAX_SOCKETS_PER_USER} connections to a conversation; close one.`;
    const error = errorEventOf(chatError("rate_limited", { message }), undefined);
    return refusedUpgrade(CLOSE.abuse, "too many sockets", JSON.stringify(error));
  }
  const pair = new WebSocketPair();
  const features = featuresOf(query.get("features"));
  const session = sessions.accept(pair[1], identity, features);
  const cursor = { since: sinceOf(query.get("since")), epoch: query.get("epoch") ?? undefined };
  const { hello, page } = greetingFor(open, member, identity, features, cursor);
  session.budget.answered(page.frame.length, open.clock(), page.to);
  sessions.send(session, `${hello}\n${page.frame}`);
  if (!page.more) sessions.goLive(session);
  return new Response(null, { status: 101, webSocket: pair[0] });
}

/** A revision from the query; anything else is taken as a first visit. */
function sinceOf(text: string | null): number | undefined {
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}
