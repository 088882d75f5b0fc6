import { OpenAPIHono } from "@hono/zod-openapi";
import type { z } from "zod";
import { detailsOf } from "../live/fields.ts";
import type { EdgeEnv } from "./context.ts";
import { type ErrorForm, errorHandler } from "./errors.ts";
import { refuse } from "./refusal.ts";

/** Refuses requests that no route matched. A mounted app's own `notFound` would not be called. */
export function closed(app: OpenAPIHono<EdgeEnv>): OpenAPIHono<EdgeEnv> {
  app.all("*", () => refuse("route_not_found"));
  return app;
}

/** An app that writes all errors in the form of one dialect. */
export function dialect(errors: ErrorForm): OpenAPIHono<EdgeEnv> {
  const app = new OpenAPIHono<EdgeEnv>({
    defaultHook: (result) => {
      if (!result.success) {
        refuse("invalid_request", { details: detailsOf(result.error as z.ZodError) });
      }
    },
  });
  app.onError(errorHandler(errors));
  return app;
}
