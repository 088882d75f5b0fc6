import type { Context, Next } from "hono";
import { gatewaysOf } from "../../../conversation/stub.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { LIMITER_PERIOD_MS } from "../../../edge/limiter.ts";
import { refuse } from "../../../edge/refusal.ts";
import { gatewayRequest, identityOf, mayConnect, withinLimit } from "../../../gateway/handshake.ts";
import { connectionNamed, newConnection } from "../../../gateway/id.ts";

/** How a client may connect: text over a socket. No stateful reconnect is offered. */
const TRANSPORTS = [{ transport: "WebSockets", transferFormats: ["Text"] }];

/** Details of a refusal for too many new connections. */
const TOO_MANY = { retryAfterMs: LIMITER_PERIOD_MS, limit: "connections_per_address" };

/** `POST /hubs/chat/negotiate`: an id for a new connection, for callers with a valid token. Versions 0 and 1. */
export async function negotiate(c: Context<EdgeEnv>): Promise<Response> {
  if (!(await withinLimit(c, "negotiate"))) refuse("rate_limited", TOO_MANY);
  const identity = await identityOf(c, "access_token");
  if (!identity) refuse("unauthenticated");
  if (identity === "banned") refuse("banned");
  const { id, name } = newConnection(c.get("settings").ID_SECRET, "signalr");
  // From version 1 the public id is not the one that opens the connection.
  const version = Number(c.req.query("negotiateVersion") ?? 0) >= 1 ? 1 : 0;
  return c.json({
    negotiateVersion: version,
    ...(version === 1 ? { connectionId: name, connectionToken: id } : { connectionId: id }),
    availableTransports: TRANSPORTS,
  });
}

/** `GET /hubs/chat`: passes an upgrade with a valid token to a new gateway. */
export async function signalR(c: Context<EdgeEnv>, next: Next): Promise<Response | undefined> {
  if (c.req.header("Upgrade")?.toLowerCase() !== "websocket") {
    await next();
    return undefined;
  }
  const { ID_SECRET } = c.get("settings");
  if (!mayConnect(c)) refuse("origin_not_allowed");
  if (!(await withinLimit(c))) refuse("rate_limited", TOO_MANY);
  const given = c.req.query("id");
  // Without one the client skipped the negotiation.
  const name =
    given === undefined
      ? newConnection(ID_SECRET, "signalr").name
      : connectionNamed(ID_SECRET, "signalr", given);
  const identity = await identityOf(c, "access_token");
  if (!identity) refuse("unauthenticated");
  if (identity === "banned") refuse("banned");
  if (!name) refuse("connection_not_found");
  return gatewaysOf(c.env, "signalr").getByName(name).fetch(gatewayRequest(c, identity));
}
