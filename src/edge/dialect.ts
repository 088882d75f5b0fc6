import { OpenAPIHono } from "@hono/zod-openapi";
import type { z } from "zod";
import { detailsOf } from "../live/fields.ts";
import type { EdgeEnv } from "./context.ts";
import { decodeInOneStep } from "./decoder.ts";
import { refuse } from "./refusal.ts";

/** Refuses requests that no route matched. A mounted app's own `notFound` would not be called. */
export function closed(app: OpenAPIHono<EdgeEnv>): OpenAPIHono<EdgeEnv> {
  app.all("*", () => refuse("route_not_found"));
  return app;
}

/**
 * The routes of an API. It has no error handler: the one of the whole Worker writes errors in the form of
 * the API that was called. An app with its own handler is slower: Hono wraps each of its middlewares.
 */
export function dialect(): OpenAPIHono<EdgeEnv> {
  const app = new OpenAPIHono<EdgeEnv>({
    defaultHook: (result) => {
      if (!result.success) invalid(result.error as z.ZodError);
    },
  });
  decodeInOneStep(app, invalid);
  return app;
}

function invalid(error: z.ZodError): never {
  refuse("invalid_request", { details: detailsOf(error) });
}
