import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { uuid, wholeNumber } from "../contract/fields.ts";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
import { type ReportItem, reportSchema, reportsSchema, resolveBody } from "../contract/reports.ts";
import { changeReport, type ReportChange, reportById, reportsIn } from "../directory/reports.ts";
import { messageIdOf } from "../domain/id.ts";
import { REPORT_STATES, type Report } from "../domain/report.ts";
import { authenticate, readsDirectory } from "../edge/auth.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { closed, dialect } from "../edge/dialect.ts";
import { jsonBody } from "../edge/json-body.ts";
import { refuse } from "../edge/refusal.ts";
import { requestLimits } from "../edge/request-limits.ts";
import { isoTime } from "../live/wire.ts";
import { log } from "../logging.ts";
import { cursorOf, placeOf } from "./cursor.ts";
import { only } from "./staff.ts";

/** Reports of one page at most: each has six messages. */
const MAX_REPORTS = 100;

const reportParam = z.object({ id: z.string() });
const changed = { 200: jsonOf("The report as it is now", reportSchema) };

const list = createRoute({
  method: "get",
  path: "/",
  operationId: "listReports",
  summary: "Reported messages",
  description:
    "Those that are open or claimed, the oldest first; those that are resolved, the newest first. " +
    "Reports about the caller are left out.",
  request: {
    query: z.object({
      state: z.enum(REPORT_STATES).default("open"),
      cursor: z.string().max(200).optional(),
      limit: wholeNumber(50, 1, MAX_REPORTS),
    }),
  },
  responses: { 200: jsonOf("A page of reports", reportsSchema) },
});

const claim = createRoute({
  method: "post",
  path: "/{id}/claim",
  operationId: "claimReport",
  summary: "Claim an open report",
  description: "Others cannot resolve it then, except admins.",
  request: { params: reportParam },
  responses: { ...changed, 409: { description: "Somebody else has claimed or resolved it" } },
});

const release = createRoute({
  method: "post",
  path: "/{id}/release",
  operationId: "releaseReport",
  summary: "Give up a claimed report",
  description: "Admins release those of others as well.",
  request: { params: reportParam },
  responses: {
    ...changed,
    409: { description: "Somebody else has claimed it, or it is resolved" },
  },
});

const resolve = createRoute({
  method: "post",
  path: "/{id}/resolve",
  operationId: "resolveReport",
  summary: "Resolve a report",
  description:
    "Records what was done, and does nothing else: messages are deleted, and people muted or banned, by " +
    "the routes for that.",
  request: { params: reportParam, body: jsonBodyOf(resolveBody) },
  responses: { ...changed, 409: { description: "Somebody else has claimed or resolved it" } },
});

/** `/api/admin/reports`: the queue of reported messages, for roles `resolver` and `admin`. */
export function reportQueue(): OpenAPIHono<EdgeEnv> {
  const app = dialect();
  app.use(authenticate(), requestLimits, only("resolver", "admin"), jsonBody, readsDirectory);

  app.openapi(list, async (c) => {
    const { state, cursor, limit } = c.req.valid("query");
    const [createdAt, id] = cursor === undefined ? [] : placeOf(cursor);
    const after = createdAt === undefined || id === undefined ? undefined : { createdAt, id };
    const { userId: viewerId } = c.get("actor");
    const page = { viewerId, after, limit: limit + 1 };
    const found = await reportsIn(c.get("directory"), state, page);
    const items = found.slice(0, limit);
    const last = found.length > limit ? items.at(-1) : undefined;
    const next = last && cursorOf(last.createdAt, last.id);
    return c.json({ items: items.map(present), ...(next !== undefined && { next }) }, 200);
  });

  app.openapi(claim, async (c) => {
    return c.json(await change(c, c.req.valid("param").id, { type: "claim" }), 200);
  });

  app.openapi(release, async (c) => {
    return c.json(await change(c, c.req.valid("param").id, { type: "release" }), 200);
  });

  app.openapi(resolve, async (c) => {
    const { action, resolution } = c.req.valid("json");
    const resolved = { type: "resolve", action, resolution: resolution || null } as const;
    return c.json(await change(c, c.req.valid("param").id, resolved), 200);
  });
  return closed(app);
}

/** Changes a report for the caller, once: a repeated call finds it changed. */
async function change(c: Context<EdgeEnv>, id: string, wanted: ReportChange): Promise<ReportItem> {
  const directory = c.get("directory");
  const { userId: actorId, role: actorRole } = c.get("actor");
  if (!uuid.safeParse(id).success) refuse("report_not_found");
  const before = (await reportById(directory, id)) ?? refuse("report_not_found");
  if (before.reportedId === actorId) {
    refuse("forbidden", { message: "The report is about you: somebody else decides it." });
  }
  if (isAlready(before, wanted, actorId)) return present(before);
  const resolution = wanted.type === "resolve" ? wanted.resolution : null;
  const act = {
    ...{ id: `report:${crypto.randomUUID()}`, at: Date.now(), actorId, actorRole },
    action: `report.${wanted.type}`,
    ...(resolution !== null && { reason: resolution }),
    details: { reportId: id, ...(wanted.type === "resolve" && { action: wanted.action }) },
  };
  const isChanged = await changeReport(directory, id, wanted, act, actorRole === "admin");
  const after = (await reportById(directory, id)) ?? refuse("report_not_found");
  if (!isChanged && !isAlready(after, wanted, actorId)) {
    refuse(after.state === "resolved" ? "report_resolved" : "report_claimed");
  }
  log("report_changed", {
    requestId: c.get("requestId"),
    ...{ userId: actorId, reportId: id, change: wanted.type },
  });
  return present(after);
}

/** Whether a report is as the caller wants it. */
function isAlready(report: Report, wanted: ReportChange, actorId: string): boolean {
  switch (wanted.type) {
    case "claim":
      return report.state === "claimed" && report.claimedBy === actorId;
    case "release":
      return report.state === "open";
    case "resolve":
      return (
        report.state === "resolved" &&
        report.resolvedBy === actorId &&
        report.action === wanted.action &&
        report.resolution === wanted.resolution
      );
  }
}

function present({ number, snapshot, ...report }: Report): ReportItem {
  const timeOrNull = (time: number | null) => (time === null ? null : isoTime(time));
  return {
    ...report,
    messageId: messageIdOf(report.conversationId, number),
    createdAt: isoTime(report.createdAt),
    claimedAt: timeOrNull(report.claimedAt),
    resolvedAt: timeOrNull(report.resolvedAt),
    snapshot: snapshot.map((one) => ({ ...one, createdAt: isoTime(one.createdAt) })),
  };
}
