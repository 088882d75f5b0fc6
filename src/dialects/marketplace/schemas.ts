import { z } from "@hono/zod-openapi";
import type { Kind } from "../../domain/conversation.ts";
import { chatSchema, messageSchema } from "./presenter.ts";

/** The kinds of conversation in this API, which has no channels. */
export const CHATS: readonly Kind[] = ["direct", "group", "support", "purchase-request"];

/** Wraps an answer as `{success: true, data}`. */
export function enveloped<Schema extends z.ZodType>(data: Schema) {
  return z.object({ success: z.literal(true), data });
}

export const chatAnswer = enveloped(z.object({ chat: chatSchema }));
export const messageAnswer = enveloped(
  z.object({ message: messageSchema, deduplicated: z.literal(true).optional() }),
);

export const pagination = z.object({
  page: z.number().int(),
  limit: z.number().int(),
  total: z.number().int(),
  totalPages: z.number().int(),
  hasMore: z.boolean(),
});

export function paginationOf(page: number, limit: number, total: number) {
  const totalPages = Math.ceil(total / limit);
  return { page, limit, total, totalPages, hasMore: page < totalPages };
}

export const pathId = z.object({ id: z.string() });
export const pathMessage = pathId.extend({ messageId: z.string() });

export function success<Data>(data: Data): { success: true; data: Data } {
  return { success: true, data };
}
