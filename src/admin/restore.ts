import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { uuid } from "../contract/fields.ts";
import { jobAnswer, jobAnswerSchema } from "../contract/jobs.ts";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
import { restoreBody } from "../contract/restores.ts";
import { lacksMethod } from "../conversation/rpc-versions.ts";
import { conversationOf } from "../conversation/stub.ts";
import { isHeld } from "../directory/legal-holds.ts";
import { parseConversationId } from "../domain/id.ts";
import { readsDirectory } from "../edge/auth.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { refuse, unwrapped } from "../edge/refusal.ts";
import { startJob } from "../jobs/start.ts";
import { actOf } from "./jobs.ts";

const restore = createRoute({
  method: "post",
  path: "/conversations/{id}/restore",
  operationId: "restoreConversation",
  summary: "Take a conversation back to an earlier time",
  description:
    "Everything of it is as it was then: messages, members, roles, bans, read marks. What came since is gone, and " +
    "clients load the conversation anew. It is closed for some seconds: requests are refused with `unavailable`. The " +
    "job's result has `undoAt`: a restore to that time takes it back. Refused with `restore_unavailable` for a time " +
    "before the creation, before thirty days or before somebody was erased in it, and while anybody is being " +
    "erased; with `legal_hold` while a hold stands. Files that were removed since do not come back.",
  middleware: [readsDirectory] as const,
  request: { params: z.object({ id: uuid }), body: jsonBodyOf(restoreBody) },
  responses: {
    202: jsonOf("The job", jobAnswerSchema),
    404: { description: "There is no such conversation, or it was deleted" },
    409: { description: "It cannot be restored to that time, or not now" },
  },
});

/** Restores of conversations, of `/api/admin`. */
export function restoreRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(restore, async (c) => {
    const { reason, at: time } = c.req.valid("json");
    const conversationId = parseConversationId(c.req.valid("param").id);
    if (conversationId === undefined) refuse("conversation_not_found");
    const at = Date.parse(time);
    if (await isHeld(c.get("directory"), { conversationId })) refuse("legal_hold");
    // The job asks again; whoever mistypes a time is told at once.
    const find = { by: "", step: "find", at } as const;
    const found = conversationOf(c.env, conversationId).restore(find);
    unwrapped(
      await found.catch((error: unknown) => {
        if (lacksMethod(error, "restore")) refuse("unavailable");
        throw error;
      }),
    );
    const { userId, role } = c.get("actor");
    const request = {
      ...({ kind: "restore-conversation", target: conversationId } as const),
      params: { conversationId, at },
      startedBy: { userId, role },
      act: actOf(c, "conversation.restore", {
        ...{ conversationId, reason, details: { at: new Date(at).toISOString() } },
      }),
    };
    const job = unwrapped(await startJob(c.env, request));
    return c.json({ job: jobAnswer(job) }, 202);
  });
}
