import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { MAX_REASON_LENGTH } from "../contract/bans.ts";
import { paragraph } from "../contract/fields.ts";
import { jobAnswer, jobAnswerSchema } from "../contract/jobs.ts";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
import { isKnown } from "../directory/deleted-conversations.ts";
import { isHeld } from "../directory/legal-holds.ts";
import { readsDirectory } from "../edge/auth.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { conversationNamed } from "../edge/ids.ts";
import { refuse, unwrapped } from "../edge/refusal.ts";
import { startJob } from "../jobs/start.ts";
import { actOf } from "./jobs.ts";

const deletion = createRoute({
  method: "delete",
  path: "/conversations/{conversationId}",
  operationId: "deleteConversation",
  summary: "Delete a conversation for good",
  description:
    "Starts a job that removes everything of it: members, messages, files, reports, its rows in every list and what " +
    "inboxes know of it. Sockets end with 4404, and its id is answered with 404 for ever. It cannot be undone, and " +
    "once the conversation is gone the job cannot be cancelled. Refused with `legal_hold` while one stands. A second " +
    "deletion does no harm.",
  middleware: [readsDirectory] as const,
  request: {
    params: z.object({ conversationId: z.string() }),
    body: jsonBodyOf(z.object({ reason: paragraph(MAX_REASON_LENGTH, 1) })),
  },
  responses: {
    202: jsonOf("The job", jobAnswerSchema),
    409: { description: "A legal hold stands, or it is being deleted" },
  },
});

/** The deletion of a conversation, of `/api/admin`. */
export function deletionRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(deletion, async (c) => {
    const id = conversationNamed(c.req.valid("param").conversationId);
    const { reason } = c.req.valid("json");
    const directory = c.get("directory");
    if (!(await isKnown(directory, id))) refuse("conversation_not_found");
    if (await isHeld(directory, { conversationId: id })) refuse("legal_hold");
    const { userId, role } = c.get("actor");
    const params = { conversationId: id };
    const startedBy = { userId, role };
    const act = actOf(c, "conversation.delete", { conversationId: id, reason });
    const request = { kind: "delete-conversation", target: id, params, startedBy, act } as const;
    const job = unwrapped(await startJob(c.env, request));
    return c.json({ job: jobAnswer(job) }, 202);
  });
}
