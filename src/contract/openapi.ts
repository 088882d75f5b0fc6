import { z } from "zod";

/** The shorter words for what routes are described with. */

/** A JSON body that must be there. */
export function jsonBodyOf<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { "application/json": { schema } } } as const;
}

/** A JSON body that may be left out, or be empty: see `emptyAsObject`, which its route needs. */
export function leavableBodyOf<Schema extends z.ZodType>(schema: Schema) {
  return { content: { "application/json": { schema } } } as const;
}

/** An answer in JSON. */
export function jsonOf<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { "application/json": { schema } } } as const;
}

/** A schema that has a name in the reference, or null: its own `nullable` would lose the null there. */
export function orNull<Schema extends z.ZodType>(schema: Schema) {
  return z.union([schema, z.null()]);
}
