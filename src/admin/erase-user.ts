import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { MAX_REASON_LENGTH } from "../contract/bans.ts";
import { paragraph, userId } from "../contract/fields.ts";
import { jobAnswer, jobAnswerSchema } from "../contract/jobs.ts";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
import { isHeld } from "../directory/legal-holds.ts";
import { ERASED_MESSAGES } from "../domain/erasure.ts";
import { isErasedUserId } from "../domain/person.ts";
import { readsDirectory } from "../edge/auth.ts";
import { bansChanged } from "../edge/bans.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { refuse, unwrapped } from "../edge/refusal.ts";
import { startJob } from "../jobs/start.ts";
import { actOf } from "./jobs.ts";

const erasure = createRoute({
  method: "post",
  path: "/users/{id}/erase",
  operationId: "eraseUser",
  summary: "Erase a person",
  description:
    "Starts a job after which nothing names them: profile, devices, settings and blocks are removed, and where they " +
    "were in conversations stands an id without a name. `messages` says what becomes of what they wrote: `clear` " +
    "deletes texts, files and reactions, `keep` leaves them under that id. While it runs they are refused with " +
    "`banned`; whoever comes with their id afterwards is somebody new. What is erased cannot be brought back, also " +
    "where the job is cancelled. Refused with `legal_hold` while one stands on them or on a conversation that they " +
    "are or were in. A person of whom nothing is known is erased as well.",
  middleware: [readsDirectory] as const,
  request: {
    params: z.object({ id: userId }),
    body: jsonBodyOf(
      z.object({
        messages: z.enum(ERASED_MESSAGES),
        reason: paragraph(MAX_REASON_LENGTH, 1),
      }),
    ),
  },
  responses: {
    202: jsonOf("The job", jobAnswerSchema),
    409: { description: "A legal hold stands, or they are being erased" },
  },
});

/** The erasure of a person, of `/api/admin`. */
export function erasureRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(erasure, async (c) => {
    const { id } = c.req.valid("param");
    const { messages, reason } = c.req.valid("json");
    const directory = c.get("directory");
    const { userId, role } = c.get("actor");
    if (id === userId) refuse("forbidden", { message: "You cannot erase yourself." });
    if (isErasedUserId(id)) refuse("unknown_user");
    if (await isHeld(directory, { userId: id })) refuse("legal_hold");
    const params = { userId: id, messages };
    const startedBy = { userId, role };
    // The target of the act is erased with everything else.
    const act = actOf(c, "user.erase", { targetId: id, reason, details: { messages } });
    const request = { kind: "erase-user", target: id, params, startedBy, act } as const;
    const job = unwrapped(await startJob(c.env, request));
    bansChanged();
    return c.json({ job: jobAnswer(job) }, 202);
  });
}
