import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { auditSchema } from "../contract/audit.ts";
import { userId, uuid, wholeNumber } from "../contract/fields.ts";
import { jsonOf } from "../contract/openapi.ts";
import { actsThat } from "../directory/audit.ts";
import { messageIdOf } from "../domain/id.ts";
import { readsDirectory } from "../edge/auth.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { isoTime } from "../live/wire.ts";
import { cursorOf, placeOf } from "./cursor.ts";

/** Acts of one page at most. */
const MAX_ACTS = 200;
/** Characters of a cursor: the id of an act may name a user, whose id takes four bytes a character. */
const MAX_CURSOR = 1_000;

const time = z.iso.datetime({ offset: true });

const list = createRoute({
  method: "get",
  path: "/audit",
  operationId: "listAudit",
  summary: "What staff and moderators did",
  description: "The newest first. Every filter narrows what is listed.",
  middleware: [readsDirectory] as const,
  request: {
    query: z.object({
      actorId: userId.optional(),
      targetId: userId.optional(),
      conversationId: uuid.optional(),
      action: z.string().min(1).max(100).optional().openapi({ example: "user.ban" }),
      after: time.optional(),
      before: time.optional(),
      cursor: z.string().max(MAX_CURSOR).optional(),
      limit: wholeNumber(50, 1, MAX_ACTS),
    }),
  },
  responses: { 200: jsonOf("A page of the audit log", auditSchema) },
});

/** The audit log, of `/api/admin`. */
export function auditRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(list, async (c) => {
    const { cursor, limit, after, before, ...filter } = c.req.valid("query");
    const [at, id] = cursor === undefined ? [] : placeOf(cursor);
    const behind = at === undefined || id === undefined ? undefined : { at, id };
    const found = await actsThat(
      c.get("directory"),
      {
        ...{ actorId: filter.actorId, targetId: filter.targetId, action: filter.action },
        conversationId: filter.conversationId?.toLowerCase(),
        after: after === undefined ? undefined : Date.parse(after),
        before: before === undefined ? undefined : Date.parse(before),
      },
      { behind, limit: limit + 1 },
    );
    const acts = found.slice(0, limit);
    const last = found.length > limit ? acts.at(-1) : undefined;
    const items = acts.map(({ messageNumber, details, ...act }) => ({
      ...act,
      at: isoTime(act.at),
      messageId:
        act.conversationId !== null && messageNumber !== null
          ? messageIdOf(act.conversationId, messageNumber)
          : null,
      details: details === null ? null : JSON.parse(details),
    }));
    const next = last && cursorOf(last.at, last.id);
    return c.json({ items, ...(next !== undefined && { next }) }, 200);
  });
}
