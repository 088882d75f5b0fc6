import { z } from "@hono/zod-openapi";
import { MAX_ENDPOINT_LENGTH } from "../domain/push-endpoint.ts";
import { optional } from "./fields.ts";

/** Schemas of the routes of push devices; clients infer their types from them. */

const endpoint = z.string().min(1).max(MAX_ENDPOINT_LENGTH);

/** Bytes as base64url; the other alphabet and padding are accepted. */
function base64(characters: number, what: string) {
  return z
    .string()
    .regex(new RegExp(`^[A-Za-z0-9_+/-]{${characters}}={0,2}$`), what)
    .transform((text) => text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""));
}

/** A browser's subscription, as `PushSubscription.toJSON()` writes it. */
export const pushSubscriptionBody = z
  .object({
    endpoint: endpoint.openapi({ description: "An https address of a push service" }),
    expirationTime: optional(z.number().int().positive()).openapi({
      description: "Milliseconds since the epoch",
    }),
    keys: z.object({
      p256dh: base64(87, "not an uncompressed P-256 point, 65 bytes as base64url"),
      auth: base64(22, "not a secret of 16 bytes as base64url"),
    }),
  })
  .openapi("PushSubscription");

export type PushSubscription = z.output<typeof pushSubscriptionBody>;

export const pushDeviceBody = z.object({ endpoint });

export const pushKeySchema = z.object({
  key: z.string().openapi({ description: "P-256 public key, 65 bytes as base64url" }),
});
