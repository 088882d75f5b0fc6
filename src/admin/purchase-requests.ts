import { createRoute, z } from "@hono/zod-openapi";
import { hostId, optional, userId } from "../contract/fields.ts";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
import { registerPurchaseRequests } from "../directory/purchase-requests.ts";
import { MAX_NAMED_PARTICIPANTS } from "../domain/conversation.ts";
import { authenticate, readsDirectory } from "../edge/auth.ts";
import { closed, dialect } from "../edge/dialect.ts";
import { jsonBody } from "../edge/json-body.ts";
import { refuse } from "../edge/refusal.ts";
import { requestLimits } from "../edge/request-limits.ts";

/** Purchase requests of one call at most. */
const MAX_REGISTERED = 500;

const register = createRoute({
  method: "put",
  path: "/",
  operationId: "registerPurchaseRequests",
  summary: "Register purchase requests",
  description:
    "Who may open a chat about which, where `PURCHASE_REQUESTS` is `registered`: the buyer, with one of " +
    "`sellerIds` or, without them, with anybody. Registering a request again replaces it.",
  middleware: [readsDirectory] as const,
  request: {
    body: jsonBodyOf(
      z.object({
        requests: z
          .array(
            z.object({
              id: hostId,
              buyerId: userId,
              sellerIds: optional(z.array(userId).min(1).max(MAX_NAMED_PARTICIPANTS)),
            }),
          )
          .min(1)
          .max(MAX_REGISTERED),
      }),
    ),
  },
  responses: {
    200: jsonOf(
      "How many purchase requests were registered",
      z.object({ upserted: z.number().int() }),
    ),
    403: { description: "The caller is neither admin nor service" },
  },
});

/** `/api/purchase-requests`: the host application registers purchase requests. */
export function purchaseRequests() {
  const app = dialect();
  app.use(authenticate(), requestLimits, jsonBody);

  app.openapi(register, async (c) => {
    const { role } = c.get("actor");
    if (role !== "admin" && role !== "service") {
      refuse("forbidden", { message: "Only admins and services register purchase requests." });
    }
    const requests = new Map(c.req.valid("json").requests.map((request) => [request.id, request]));
    await registerPurchaseRequests(c.get("directory"), [...requests.values()], Date.now());
    return c.json({ upserted: requests.size }, 200);
  });
  return closed(app);
}
