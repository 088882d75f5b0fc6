import type { Context, Next } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { gatewaysOf } from "../../../conversation/stub.ts";
import { readUpTo } from "../../../edge/body.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { gatewayRequest, identityOf, mayConnect, withinLimit } from "../../../gateway/handshake.ts";
import { connectionNamed, newConnection } from "../../../gateway/id.ts";
import { MAX_FRAME_BYTES } from "../../../live/version.ts";
import type { EngineRequest } from "./engine-request.ts";
import { engineRefusal } from "./errors.ts";

/** The only version of Engine.IO that Socket.IO's protocol 5 uses. */
const ENGINE_VERSION = "4";

/** `GET /socket.io/` with an upgrade: a new connection, or one that was opened by polling. */
export async function socketIo(c: Context<EdgeEnv>, next: Next): Promise<Response | undefined> {
  if (c.req.header("Upgrade")?.toLowerCase() === "websocket") return engine(c, "websocket");
  await next();
  return undefined;
}

/** `GET` and `POST /socket.io/`: long polling. */
export async function enginePolling(c: Context<EdgeEnv>): Promise<Response> {
  const { status, headers, body } = await engine(c, "polling");
  for (const name of ["Content-Type", "Retry-After"]) {
    const value = headers.get(name);
    if (value) c.header(name, value);
  }
  return c.body(body ?? "", status as ContentfulStatusCode);
}

async function engine(c: Context<EdgeEnv>, transport: "websocket" | "polling"): Promise<Response> {
  // Read before anything is answered: many clients cannot read an answer while they still write.
  const stream = c.req.raw.body;
  const body = stream && (await readUpTo(stream, MAX_FRAME_BYTES));
  if (body === undefined) return new Response(null, { status: 413 });
  if (c.req.query("EIO") !== ENGINE_VERSION) return engineRefusal("unsupportedVersion");
  if (c.req.query("transport") !== transport) {
    const known = ["websocket", "polling"].includes(c.req.query("transport") ?? "");
    return engineRefusal(known ? "badRequest" : "unknownTransport");
  }
  if (!mayConnect(c)) return engineRefusal("forbidden");
  const { ID_SECRET } = c.get("settings");
  const { origin } = new URL(c.req.url);
  const sid = c.req.query("sid");
  let engineRequest: EngineRequest;
  let name: string | undefined;
  if (sid === undefined) {
    if (c.req.method !== "GET") return engineRefusal("badMethod");
    if (!(await withinLimit(c))) return engineRefusal("tooMany");
    const seat = (await identityOf(c, "token", "access_token")) ?? null;
    if (seat === "banned") return engineRefusal("banned");
    const connection = newConnection(ID_SECRET, "socketio");
    name = connection.name;
    engineRequest = { id: connection.id, fresh: true, seat, origin };
  } else {
    name = connectionNamed(ID_SECRET, "socketio", sid);
    if (!name) return engineRefusal("unknownSession");
    engineRequest = { id: sid, fresh: false, seat: null, origin };
  }
  return gatewaysOf(c.env, "socketio")
    .getByName(name)
    .fetch(gatewayRequest(c, engineRequest, body));
}
