import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { readBody, readMessagesSchema, reasonBody } from "../contract/administration.ts";
import { jsonBodyOf, jsonOf } from "../contract/openapi.ts";
import type { PageQuery } from "../conversation/queries/history.ts";
import { addActs } from "../directory/audit.ts";
import { messageIdOf } from "../domain/id.ts";
import { readsDirectory } from "../edge/auth.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { ask, submit } from "../edge/conversations.ts";
import { conversationNamed, messageNamed } from "../edge/ids.ts";
import { refuse, unwrapped } from "../edge/refusal.ts";
import { wireMessage } from "../live/wire.ts";

const params = z.object({ id: z.string() });

const read = createRoute({
  method: "post",
  path: "/conversations/{id}/messages/read",
  operationId: "adminReadMessages",
  summary: "Read messages, with a reason",
  description:
    "The newest first. That they were read, by whom, which and why, is in the audit log (`messages.read`) before " +
    "they are answered: without D1, nothing is. Links to files are good for a day. Nobody is told, and nothing " +
    "counts as read. `next` is the `before` of the next page.",
  middleware: [readsDirectory] as const,
  request: { params, body: jsonBodyOf(readBody) },
  responses: { 200: jsonOf("A page of messages", readMessagesSchema) },
});

const remove = createRoute({
  method: "post",
  path: "/messages/{id}/delete",
  operationId: "adminDeleteMessage",
  summary: "Delete a message of anybody in any conversation, with a reason",
  description: "As its author would. A message that is deleted stays so, and is not logged again.",
  request: { params, body: jsonBodyOf(reasonBody) },
  responses: { 204: { description: "The message is deleted" } },
});

/** Messages, of `/api/admin`. */
export function adminMessageRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(read, async (c) => {
    const id = conversationNamed(c.req.valid("param").id);
    const { reason, before, limit } = c.req.valid("json");
    const actor = c.get("actor");
    const query: PageQuery = { by: "page", page: 1, pageSize: limit };
    if (before !== undefined) {
      const { conversationId, number } = messageNamed(before);
      if (conversationId !== id) refuse("message_not_found");
      query.before = { number };
    }
    const page = unwrapped(await ask(c, id, (stub) => stub.history(actor, query)));
    if (!("messages" in page)) throw new Error("a page in a form that was not asked for");
    const messages = page.messages.toReversed();
    const [newest, oldest] = [messages.at(0)?.number, messages.at(-1)?.number];
    const { userId: actorId, role: actorRole } = actor;
    // First it is logged, and only then answered.
    await addActs(c.get("directory"), [
      {
        ...{ id: `read:${crypto.randomUUID()}`, at: Date.now(), actorId, actorRole },
        ...{ action: "messages.read", conversationId: id, reason },
        details: { from: oldest ?? null, to: newest ?? null },
      },
    ]);
    const items = messages.map((message) => wireMessage(id, message, c.get("linkTo")));
    const isMore = oldest !== undefined && (page.hasEarlier ?? oldest > 1);
    return c.json({ items, ...(isMore && { next: messageIdOf(id, oldest) }) }, 200);
  });

  app.openapi(remove, async (c) => {
    const messageId = c.req.valid("param").id;
    const { conversationId } = messageNamed(messageId);
    const { reason } = c.req.valid("json");
    await submit(c, conversationId, { type: "delete", messageId, reason });
    return c.body(null, 204);
  });
}
