import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { MAX_REASON_LENGTH } from "../contract/bans.ts";
import { optionalOr, paragraph, userId, uuid } from "../contract/fields.ts";
import { jobAnswer, jobAnswerSchema } from "../contract/jobs.ts";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
import { addActs } from "../directory/audit.ts";
import { profileOf } from "../directory/exported.ts";
import { jobById } from "../directory/jobs.ts";
import type { Act } from "../domain/act.ts";
import { parseConversationId } from "../domain/id.ts";
import { readsDirectory } from "../edge/auth.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { ask } from "../edge/conversations.ts";
import { refuse, unwrapped } from "../edge/refusal.ts";
import { archiveLink } from "../jobs/archive/link.ts";
import { archiveSize } from "../jobs/archive/upload.ts";
import { type JobRequest, startJob } from "../jobs/start.ts";
import { isoTime } from "../live/wire.ts";
import { actOf } from "./jobs.ts";

/** Why it is exported: the audit log keeps it. */
const reason = paragraph(MAX_REASON_LENGTH, 1);

const exportConversation = createRoute({
  method: "post",
  path: "/conversations/{id}/export",
  operationId: "exportConversation",
  summary: "Export a conversation",
  description:
    "As a job: everything that is stored of it, with its files, in one archive. `held`: also what messages were " +
    "before they were changed while there was a legal hold. `docs/export.md` has the format.",
  middleware: [readsDirectory] as const,
  request: {
    params: z.object({ id: uuid }),
    body: jsonBodyOf(z.object({ held: optionalOr(z.boolean(), false), reason })),
  },
  responses: {
    202: jsonOf("The job", jobAnswerSchema),
    409: { description: "There is an unfinished one" },
  },
});

const exportUser = createRoute({
  method: "post",
  path: "/users/{id}/export",
  operationId: "exportUser",
  summary: "Export a person",
  description:
    "As a job: what is stored of them, what they wrote, and their files, in one archive; no text of others. " +
    "`docs/export.md` has the format.",
  middleware: [readsDirectory] as const,
  request: { params: z.object({ id: userId }), body: jsonBodyOf(z.object({ reason })) },
  responses: {
    202: jsonOf("The job", jobAnswerSchema),
    409: { description: "There is an unfinished one" },
  },
});

const archive = createRoute({
  method: "get",
  path: "/jobs/{id}/archive",
  operationId: "getArchive",
  summary: "A link to the archive of an export",
  description:
    "Whoever has the link may download the archive, for a day. Each link that is asked for is in the audit log. " +
    "Archives are removed seven days after the end of their job.",
  middleware: [readsDirectory] as const,
  request: { params: z.object({ id: z.string() }) },
  responses: {
    200: jsonOf(
      "The link",
      z.object({
        url: z.string(),
        expiresAt: z.string().openapi({ format: "date-time" }),
        size: z.number().int().openapi({ description: "Bytes" }),
      }),
    ),
    410: { description: "The archive was removed, or is not there yet" },
  },
});

/** Exports, of `/api/admin`. */
export function exportRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(exportConversation, async (c) => {
    const conversationId =
      parseConversationId(c.req.valid("param").id) ?? refuse("conversation_not_found");
    const { held, reason } = c.req.valid("json");
    // Whether there is one; an export would find out as well, but later.
    unwrapped(await ask(c, conversationId, (stub) => stub.exported({ of: "invitations" }, LAST)));
    const act = actOf(c, "conversation.export", { conversationId, reason, details: { held } });
    const params = { conversationId, held };
    const job = await started(c, "export-conversation", conversationId, params, act);
    return c.json({ job: jobAnswer(job) }, 202);
  });

  app.openapi(exportUser, async (c) => {
    const { id: targetId } = c.req.valid("param");
    const { reason } = c.req.valid("json");
    if (!(await profileOf(c.get("directory"), targetId))) refuse("user_not_found");
    const act = actOf(c, "user.export", { targetId, reason });
    const job = await started(c, "export-user", targetId, { userId: targetId }, act);
    return c.json({ job: jobAnswer(job) }, 202);
  });

  app.openapi(archive, async (c) => {
    const directory = c.get("directory");
    const found = await jobById(directory, c.req.valid("param").id.toLowerCase());
    if (!found) refuse("job_not_found");
    const { id, kind, target, state } = found.view;
    if (!kind.startsWith("export-"))
      refuse("archive_gone", { message: "The job makes no archive." });
    const size = state === "done" ? await archiveSize(c.env.FILES, id) : undefined;
    if (size === undefined) refuse("archive_gone");
    const { PUBLIC_URL, FILES_SECRET } = c.get("settings");
    const base = PUBLIC_URL ?? new URL(c.req.url).origin;
    const link = archiveLink(FILES_SECRET, base, id, Date.now());
    const of =
      kind === "export-user"
        ? { targetId: target ?? undefined }
        : { conversationId: target ?? undefined };
    await addActs(directory, [actOf(c, "archive.link", { ...of, details: { jobId: id } })]);
    const answer = { url: link.url, expiresAt: isoTime(link.expiresAt), size };
    return c.json(answer, 200);
  });
}

/** Behind every user id: a page of nothing. */
const LAST = "\u{10ffff}";

async function started(
  c: Context<EdgeEnv>,
  kind: JobRequest["kind"],
  target: string,
  params: unknown,
  act: Act,
) {
  const { userId, role } = c.get("actor");
  const startedBy = { userId, role };
  return unwrapped(await startJob(c.env, { kind, target, params, startedBy, act }));
}
