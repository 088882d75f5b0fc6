import { z } from "@hono/zod-openapi";
import { PLATFORM_ROLES } from "../domain/policy.ts";

/** What a deployment reports of itself to an admin; `npm run doctor` reads it. */

/** The parts that are looked at, each by using it once. */
export const HEALTH_CHECKS = ["d1", "r2", "conversations", "inboxes", "gateways", "jobs"] as const;

const check = z.object({
  name: z.enum(HEALTH_CHECKS),
  /** `timeout`: no answer within some seconds. The log has the error, under the request's id. */
  outcome: z.enum(["ok", "failed", "timeout"]),
  milliseconds: z.number().int(),
});

const time = z.iso.datetime();

export const healthSchema = z
  .object({
    version: z.string().openapi({ description: "Of package.json, when it was deployed" }),
    protocol: z.string().openapi({ example: "parley.v1" }),
    environment: z.enum(["development", "production"]),
    /** The Worker's clock. */
    time,
    /** Whom the token was taken for. */
    caller: z.object({ userId: z.string(), role: z.enum(PLATFORM_ROLES) }),
    settings: z.object({
      publicUrl: z.union([z.string(), z.null()]),
      allowedOrigins: z.array(z.string()),
      jurisdiction: z.union([z.string(), z.null()]),
      tokens: z.enum(["secret", "keys"]),
      issuer: z.boolean().openapi({ description: "Whether JWT_ISSUER is set" }),
      audience: z.boolean(),
      requestLimits: z.boolean(),
      /** Whether secrets differ from each other. */
      distinctSecrets: z.boolean(),
      push: z.boolean(),
      webhook: z.boolean(),
      beforeSendHook: z.boolean(),
      metrics: z.boolean().openapi({ description: "Whether the binding METRICS is there" }),
    }),
    checks: z.array(check),
    database: z.object({
      /** D1's clock; null while it cannot be read. */
      time: z.union([time, z.null()]),
      newestMigration: z.string().openapi({ description: "The newest that the Worker knows" }),
      appliedMigration: z
        .union([z.string(), z.null()])
        .openapi({ description: "The newest that D1 has; null: it does not say" }),
    }),
    cron: z.object({
      finishedAt: z.union([time, z.null()]).openapi({
        description: "When it last came to its end; null: never, or R2 cannot be read",
      }),
    }),
  })
  .openapi("Health");
export type Health = z.infer<typeof healthSchema>;
