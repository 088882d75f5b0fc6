import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { userId } from "../contract/fields.ts";
import { jobAnswer, jobAnswerSchema } from "../contract/jobs.ts";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
import { holdBody, legalHoldsSchema, retentionBody } from "../contract/retention.ts";
import type { ConversationStub } from "../conversation/api.ts";
import { lacksMethod } from "../conversation/rpc-versions.ts";
import { addActs } from "../directory/audit.ts";
import { liftHold, MAX_LEGAL_HOLDS, placeHold, standingHolds } from "../directory/legal-holds.ts";
import type { HoldSubject } from "../domain/legal-hold.ts";
import { readsDirectory } from "../edge/auth.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { ask } from "../edge/conversations.ts";
import { conversationNamed } from "../edge/ids.ts";
import { refuse, unwrapped } from "../edge/refusal.ts";
import { startJob } from "../jobs/start.ts";
import { isoTime } from "../live/wire.ts";
import { actOf } from "./jobs.ts";

const conversation = z.object({ id: z.string() });
const person = z.object({ id: userId });
const HOLD =
  "While it stands nothing is removed by retention, and deletion and erasure are refused with `legal_hold`. Members " +
  "go on to edit and delete what is theirs; what it was before is kept for an export with `held`. They are not told. " +
  "Placing one that stands changes nothing.";
const LIFT =
  "Retention goes on, and what was kept because of the hold is removed with it. May be repeated.";
const SPREAD =
  " The job tells all conversations that the person is or was in; those that they enter later find it by themselves.";

const retain = createRoute({
  method: "put",
  path: "/conversations/{id}/retention",
  operationId: "setRetention",
  summary: "Decide how long the messages of a conversation are kept",
  description:
    "Shorter or longer than the setting for its kind. Its owner does not change it from then on, until it is null.",
  middleware: [readsDirectory] as const,
  request: { params: conversation, body: jsonBodyOf(retentionBody) },
  responses: { 204: { description: "Done" } },
});

const hold = createRoute({
  method: "put",
  path: "/conversations/{id}/legal-hold",
  operationId: "holdConversation",
  summary: "Place a legal hold on a conversation",
  description: HOLD,
  middleware: [readsDirectory] as const,
  request: { params: conversation, body: jsonBodyOf(holdBody) },
  responses: {
    204: { description: "The hold stands" },
    409: { description: "There are too many holds" },
  },
});

const release = createRoute({
  method: "delete",
  path: "/conversations/{id}/legal-hold",
  operationId: "releaseConversation",
  summary: "Lift the legal hold on a conversation",
  description: LIFT,
  middleware: [readsDirectory] as const,
  request: { params: conversation, body: jsonBodyOf(holdBody) },
  responses: { 204: { description: "No hold of its own stands" } },
});

const holdUser = createRoute({
  method: "put",
  path: "/users/{id}/legal-hold",
  operationId: "holdUser",
  summary: "Place a legal hold on a user and all conversations that they are or were in",
  description: `${HOLD}${SPREAD}`,
  middleware: [readsDirectory] as const,
  request: { params: person, body: jsonBodyOf(holdBody) },
  responses: {
    202: jsonOf("The hold stands; the job spreads it", jobAnswerSchema),
    409: { description: "It is being spread, or lifted: repeat the call" },
  },
});

const releaseUser = createRoute({
  method: "delete",
  path: "/users/{id}/legal-hold",
  operationId: "releaseUser",
  summary: "Lift the legal hold on a user",
  description: `${LIFT}${SPREAD}`,
  middleware: [readsDirectory] as const,
  request: { params: person, body: jsonBodyOf(holdBody) },
  responses: {
    202: jsonOf("No hold on the user stands; the job tells the conversations", jobAnswerSchema),
    409: { description: "It is being spread, or lifted: repeat the call" },
  },
});

const list = createRoute({
  method: "get",
  path: "/legal-holds",
  operationId: "listLegalHolds",
  summary: "Legal holds that stand",
  description: `At most ${MAX_LEGAL_HOLDS}.`,
  middleware: [readsDirectory] as const,
  responses: { 200: jsonOf("All of them", legalHoldsSchema) },
});

/** Retention and legal holds, of `/api/admin`. */
export function retentionRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(retain, async (c) => {
    const conversationId = conversationNamed(c.req.valid("param").id);
    const { days, reason } = c.req.valid("json");
    const isThere = await told(c, conversationId, "retain", (stub) => stub.retain(days));
    if (!isThere) refuse("conversation_not_found");
    const details = { retentionDays: days };
    await addActs(c.get("directory"), [
      actOf(c, "conversation.retention", { conversationId, reason, details }),
    ]);
    return c.body(null, 204);
  });

  app.openapi(hold, async (c) => {
    const id = conversationNamed(c.req.valid("param").id);
    const { reason } = c.req.valid("json");
    const tell = (standing: boolean) => told(c, id, "hold", (stub) => stub.hold("", standing));
    // First there: it knows whether it exists.
    if (!(await tell(true))) refuse("conversation_not_found");
    if (!(await isPlaced(c, "conversation", id, reason))) {
      await tell(false);
      refuseHold();
    }
    await addActs(c.get("directory"), [
      actOf(c, "conversation.hold", { conversationId: id, reason }),
    ]);
    return c.body(null, 204);
  });

  app.openapi(release, async (c) => {
    const id = conversationNamed(c.req.valid("param").id);
    const { reason } = c.req.valid("json");
    await liftHold(c.get("directory"), "conversation", id);
    if (!(await told(c, id, "hold", (stub) => stub.hold("", false))))
      refuse("conversation_not_found");
    await addActs(c.get("directory"), [
      actOf(c, "conversation.release", { conversationId: id, reason }),
    ]);
    return c.body(null, 204);
  });

  app.openapi(holdUser, async (c) => {
    const { id } = c.req.valid("param");
    const { reason } = c.req.valid("json");
    if (!(await isPlaced(c, "user", id, reason))) refuseHold();
    await addActs(c.get("directory"), [actOf(c, "user.hold", { targetId: id, reason })]);
    return c.json(await spread(c, id), 202);
  });

  app.openapi(releaseUser, async (c) => {
    const { id } = c.req.valid("param");
    const { reason } = c.req.valid("json");
    await liftHold(c.get("directory"), "user", id);
    await addActs(c.get("directory"), [actOf(c, "user.release", { targetId: id, reason })]);
    return c.json(await spread(c, id), 202);
  });

  app.openapi(list, async (c) => {
    const holds = await standingHolds(c.get("directory"));
    const items = holds.map((one) => ({ ...one, placedAt: isoTime(one.placedAt) }));
    return c.json({ items }, 200);
  });
}

/** Tells a conversation something; whether it exists. An object of the previous version cannot be told yet. */
async function told(
  c: Context<EdgeEnv>,
  conversationId: string,
  method: keyof ConversationStub,
  call: (stub: ConversationStub) => Promise<boolean>,
): Promise<boolean> {
  return ask(c, conversationId, call).catch((error: unknown) => {
    if (lacksMethod(error, method)) refuse("unavailable");
    throw error;
  });
}

/** Places a hold in D1; false: there is no room for it, and none stands. */
function isPlaced(
  c: Context<EdgeEnv>,
  subject: HoldSubject,
  id: string,
  reason: string,
): Promise<boolean> {
  const { userId: placedBy } = c.get("actor");
  const placed = { subject, id, placedBy, placedAt: Date.now(), reason };
  return placeHold(c.get("directory"), placed);
}

function refuseHold(): never {
  refuse("too_many_jobs", { message: `At most ${MAX_LEGAL_HOLDS} legal holds stand at a time.` });
}

async function spread(c: Context<EdgeEnv>, id: string) {
  const { userId, role } = c.get("actor");
  const order = { kind: "legal-hold", target: id, params: { userId: id } } as const;
  const started = await startJob(c.env, { ...order, startedBy: { userId, role } });
  return { job: jobAnswer(unwrapped(started)) };
}
