import { jwtVerify } from "jose";
import type { Floor } from "./floor.ts";
import type { Limit } from "./limit.ts";
import type { Memory } from "./memory.ts";
import type { Rows } from "./rows.ts";
import type { Usual } from "./usual.ts";

export { Floor } from "./floor.ts";
export { Limit } from "./limit.ts";
export { Memory } from "./memory.ts";
export { Rows } from "./rows.ts";
export { Usual } from "./usual.ts";

interface PeersEnv {
  FLOOR: DurableObjectNamespace<Floor>;
  LIMIT: DurableObjectNamespace<Limit>;
  USUAL: DurableObjectNamespace<Usual>;
  MEMORY: DurableObjectNamespace<Memory>;
  ROWS: DurableObjectNamespace<Rows>;
  JWT_SECRET: string;
}

const json = (body: unknown, status = 200) =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/json" },
  });

interface Sent {
  conversationId: string;
  content: string;
  clientMessageId: string;
}

async function verified(request: Request, env: PeersEnv): Promise<string | undefined> {
  const token = request.headers.get("Authorization")?.slice("Bearer ".length) ?? "";
  const { payload } = await jwtVerify(token, new TextEncoder().encode(env.JWT_SECRET));
  return payload.sub;
}

/** (d) A send or a page: the token is verified, and the object called once. */
async function limit(request: Request, env: PeersEnv, conversation: string | null) {
  const userId = (await verified(request, env)) ?? "";
  if (request.method === "GET") return json(await env.LIMIT.getByName(conversation ?? "").page());
  const { conversationId, content, clientMessageId } = await request.json<Sent>();
  const stub = env.LIMIT.getByName(conversationId);
  return json(await stub.send(userId, content, clientMessageId), 201);
}

export default {
  async fetch(request: Request, env: PeersEnv): Promise<Response> {
    const { pathname, search, searchParams } = new URL(request.url);
    switch (pathname) {
      case "/floor":
        return env.FLOOR.getByName(search).fetch(request);
      case "/limit":
        return env.LIMIT.getByName(search).fetch(request);
      case "/limit/messages":
        return await limit(request, env, searchParams.get("conversationId"));
      case "/limit/fill":
        await env.LIMIT.getByName(search.slice(1)).fill(Number(await request.text()));
        return json({});
      case "/usual":
        return env.USUAL.getByName(search).fetch(request);
      case "/verify":
        return json({ userId: await verified(request, env) });
      case "/memory":
        if (request.method === "PUT") {
          await env.MEMORY.getByName("one").keep(await request.text());
          return json({});
        }
        return json(await env.MEMORY.getByName("one").read());
      case "/rows":
        if (request.method === "PUT") {
          await env.ROWS.getByName("one").fill(Number(await request.text()));
          return json({});
        }
        return json(await env.ROWS.getByName("one").read());
      default:
        return new Response(null, { status: 404 });
    }
  },
} satisfies ExportedHandler<PeersEnv>;
