import { jwtVerify } from "jose";
import type { Floor } from "./floor.ts";
import type { Memory } from "./memory.ts";
import type { Rows } from "./rows.ts";
import type { Usual } from "./usual.ts";

export { Floor } from "./floor.ts";
export { Memory } from "./memory.ts";
export { Rows } from "./rows.ts";
export { Usual } from "./usual.ts";

interface PeersEnv {
  FLOOR: DurableObjectNamespace<Floor>;
  USUAL: DurableObjectNamespace<Usual>;
  MEMORY: DurableObjectNamespace<Memory>;
  ROWS: DurableObjectNamespace<Rows>;
  JWT_SECRET: string;
}

const json = (body: unknown) =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), {
    headers: { "Content-Type": "application/json" },
  });

async function verified(request: Request, env: PeersEnv): Promise<string | undefined> {
  const token = request.headers.get("Authorization")?.slice("Bearer ".length) ?? "";
  const { payload } = await jwtVerify(token, new TextEncoder().encode(env.JWT_SECRET));
  return payload.sub;
}

export default {
  async fetch(request: Request, env: PeersEnv): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    switch (pathname) {
      case "/floor":
        return env.FLOOR.getByName(search).fetch(request);
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
