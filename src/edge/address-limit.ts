import type { Context, MiddlewareHandler } from "hono";
import { chatError } from "../domain/error.ts";
import { drain } from "./body.ts";
import type { EdgeEnv } from "./context.ts";
import { addressOf, LIMITER_PERIOD_MS, withinRate } from "./limiter.ts";
import { Refusal } from "./refusal.ts";

export interface AddressLimitOptions {
  /** Writes the refusal as the door that was asked for writes its errors. */
  present: (error: Error, c: Context<EdgeEnv>) => Response | Promise<Response>;
  /** The headers that every answer has. */
  headers: MiddlewareHandler<EdgeEnv>;
}

/**
 * Against floods: so many requests of any kind from one address, counted before a token is verified or
 * anything is stored or reached. Preflights are free, for a page could not read the refusal of one. An
 * upgrade is refused by plain HTTP: to accept and close a socket costs more than it saves.
 */
export function addressLimit({
  present,
  headers,
}: AddressLimitOptions): MiddlewareHandler<EdgeEnv> {
  return async (c, next) => {
    const address = c.req.method === "OPTIONS" ? undefined : addressOf(c);
    if (address === undefined || (await withinRate(c.env.LIMIT_ADDRESSES, address))) {
      await next();
      return;
    }
    // Many clients fail to read an answer while they still write their body.
    await drain(c.req.raw.body);
    const limited = chatError("rate_limited", {
      message: "Too many requests from this address; wait before you try again.",
      retryAfterMs: LIMITER_PERIOD_MS,
      limit: "requests_per_address",
    });
    await headers(c, async () => {
      c.res = await present(new Refusal(limited), c);
    });
  };
}
