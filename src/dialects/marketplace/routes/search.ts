import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { uuid } from "../../../contract/fields.ts";
import { jsonOf } from "../../../contract/openapi.ts";
import { foundSchema, searchedSchema, searchQuery } from "../../../contract/search.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { answerText } from "../../../edge/history.ts";
import { conversationNamed } from "../../../edge/ids.ts";
import { readsDirectoryUnless, searchMessages } from "../../../edge/search.ts";
import { foundText } from "../../../edge/search-answer.ts";
import { chatSchema, marketplaceForm, messageSchema, typeOf } from "../presenter.ts";
import { enveloped } from "../schemas.ts";

const hit = z
  .object({
    chatId: z.string(),
    chat: chatSchema.pick({ title: true, type: true }),
    /** Without receipts: `readBy` is empty. */
    message: messageSchema,
    ...foundSchema,
  })
  .openapi("ChatSearchHit");

const search = createRoute({
  method: "get",
  path: "/search",
  operationId: "searchChatMessages",
  summary: "Search messages, of one chat or of the caller's 200 most recently active ones",
  description:
    "A page may have fewer hits than `limit`, even none, and a cursor: the next page goes on. `readBy` is empty.",
  middleware: [readsDirectoryUnless("chatId")] as const,
  request: { query: z.object({ ...searchQuery, chatId: uuid.optional() }) },
  responses: {
    200: jsonOf(
      "A page of hits, newest first",
      enveloped(z.object({ hits: z.array(hit), ...searchedSchema })),
    ),
    404: { description: "There is no such chat" },
  },
});

export function searchRoutes(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(search, async (c) => {
    const { chatId, ...query } = c.req.valid("query");
    const id = chatId === undefined ? undefined : conversationNamed(chatId);
    const found = await searchMessages(c, { ...query, conversationId: id }, marketplaceForm);
    const json = foundText(found, ({ conversationId, title, kind }) => {
      return { chatId: conversationId, chat: { title, type: typeOf(kind) } };
    });
    return answerText(c, `{"success":true,"data":${json}}`);
  });
}
