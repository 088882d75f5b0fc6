import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { uuid } from "../../../contract/fields.ts";
import { jsonOf } from "../../../contract/openapi.ts";
import { searchPageSchema, searchQuery } from "../../../contract/search.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { answerText } from "../../../edge/history.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { readsDirectoryUnless, searchMessages } from "../../../edge/search.ts";
import { foundText } from "../../../edge/search-answer.ts";
import { unihubForm } from "../presenter.ts";

const search = createRoute({
  method: "get",
  path: "/messages/search",
  operationId: "searchMessages",
  summary: "Search messages, of one conversation or of the caller's 200 most recently active ones",
  description:
    "Channels included. A page may have fewer hits than `limit`, even none, and a cursor: the next page goes on.",
  middleware: [readsDirectoryUnless("conversationId")] as const,
  request: { query: z.object({ ...searchQuery, conversationId: uuid.optional() }) },
  responses: { 200: jsonOf("A page of hits, newest first", searchPageSchema) },
});

export function searchRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(search, async (c) => {
    const { conversationId, ...query } = c.req.valid("query");
    const id = conversationId === undefined ? undefined : conversationNamed(conversationId);
    const found = await searchMessages(c, { ...query, conversationId: id }, unihubForm);
    const json = foundText(found, ({ conversationId, title, kind }) => {
      return { conversationId, conversation: { title, kind } };
    });
    return answerText(c, json);
  });
}
