import { OpenAPIHono } from "@hono/zod-openapi";
import type { z } from "zod";
import { chatError } from "../domain/error.ts";
import { detailsOf } from "../live/frames.ts";
import type { RestEnv } from "./context.ts";
import { type ErrorForm, errorHandler, respondWith } from "./errors.ts";
import { refuse } from "./refusal.ts";

/** An app whose refusals, of whatever kind, are written the way of one dialect. */
export function dialect(errors: ErrorForm): OpenAPIHono<RestEnv> {
  const app = new OpenAPIHono<RestEnv>({
    defaultHook: (result) => {
      if (!result.success) {
        refuse("invalid_request", { details: detailsOf(result.error as z.ZodError) });
      }
    },
  });
  app.onError(errorHandler(errors));
  app.notFound((c) => respondWith(c, chatError("route_not_found"), errors));
  return app;
}
