import type { Context, MiddlewareHandler } from "hono";
import { chatError } from "../domain/error.ts";
import { drain } from "./body.ts";
import type { EdgeEnv } from "./context.ts";
import { addressOf, LIMITER_PERIOD_MS, withinRate } from "./limiter.ts";
import { Refusal } from "./refusal.ts";

export interface AddressLimitOptions {
  /** Writes the refusal in the error form of the API that was called. */
  present: (error: Error, c: Context<EdgeEnv>) => Response | Promise<Response>;
  /** Sets the headers of every answer. */
  headers: MiddlewareHandler<EdgeEnv>;
}

/**
 * Limits requests of any kind per address, before a token is verified or anything is stored or
 * called. Preflights are not counted, because a page cannot read their refusal. An upgrade is
 * refused by plain HTTP: accepting and closing a socket costs more than it saves.
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
    // Many clients cannot read an answer while they are still writing their body.
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
