import { z } from "zod";

/** Short forms for the descriptions of routes. */

/** A required JSON body. */
export function jsonBodyOf<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { "application/json": { schema } } } as const;
}

/** An optional JSON body, which may be empty; its route needs `emptyAsObject`. */
export function leavableBodyOf<Schema extends z.ZodType>(schema: Schema) {
  return { content: { "application/json": { schema } } } as const;
}

/** A JSON answer. */
export function jsonOf<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { "application/json": { schema } } } as const;
}

/** A named schema or null; zod's own `nullable` would lose the null in the reference. */
export function orNull<Schema extends z.ZodType>(schema: Schema) {
  return z.union([schema, z.null()]);
}
