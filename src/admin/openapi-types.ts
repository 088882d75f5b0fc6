import type { OpenAPIHono } from "@hono/zod-openapi";
import type { EdgeEnv } from "../edge/context.ts";
import type { ErrorForm } from "../edge/errors.ts";

/** One API: where it is mounted, its routes, and its error form. */
export interface MountedApi {
  base: string;
  tag: { name: string; description: string };
  app: OpenAPIHono<EdgeEnv>;
  errors: ErrorForm;
}

export type OpenApi = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;
export type Paths = NonNullable<OpenApi["paths"]>;
export type Operation = NonNullable<Paths[string]["get"]>;
