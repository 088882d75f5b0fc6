/**
 * The production bundle with test endpoints: its objects can be aborted and evicted, and D1 can be
 * made to fail for a while. None of this is in src/.
 */
import unsafe from "workerd:unsafe";
import parley, * as real from "./index.js";

let failingUntil = 0;

/** D1 that throws before or, half of the time, after it has executed a batch. */
function moody(target) {
  return new Proxy(target, {
    get(_, name) {
      const value = target[name];
      if (typeof value !== "function") return value;
      return (...args) => {
        if (Date.now() >= failingUntil) return moodyResult(value.apply(target, args));
        if (name !== "batch" || Math.random() < 0.5) throw new Error("D1_ERROR: chaos");
        return value.apply(target, args).then(() => {
          throw new Error("D1_ERROR: chaos, after the fact");
        });
      };
    },
  });
}

const moodyResult = (result) =>
  result && typeof result.prepare === "function" ? moody(result) : result;

const environments = new WeakMap();
function moodyEnv(env) {
  const known = environments.get(env);
  if (known) return known;
  const wrapped = { ...env, DB: moody(env.DB) };
  environments.set(env, wrapped);
  return wrapped;
}

/** A class of objects that can be aborted. */
const abortable = (Real) =>
  class extends Real {
    constructor(ctx, env) {
      super(ctx, moodyEnv(env));
    }

    abortNow() {
      this.ctx.abort("chaos");
    }
  };

export const Conversation = abortable(real.Conversation);
export const Inbox = abortable(real.Inbox);
export const SocketIoGateway = abortable(real.SocketIoGateway);
export const SignalRGateway = abortable(real.SignalRGateway);

export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    if (!url.pathname.startsWith("/chaos/")) return parley.fetch(request, moodyEnv(env), ctx);
    const namespace = env[url.searchParams.get("of") ?? "CONVERSATIONS"];
    const stub = namespace.getByName(url.searchParams.get("id") ?? "none");
    switch (url.pathname) {
      case "/chaos/abort":
        // The abort also rejects this call.
        await stub.abortNow().catch(() => undefined);
        break;
      case "/chaos/evict":
        // Fails if the object is not awake.
        await unsafe.evict(stub, { webSockets: "hibernate" });
        break;
      case "/chaos/d1":
        failingUntil = Date.now() + Number(url.searchParams.get("ms"));
        break;
    }
    return new Response("done\n");
  },
};
