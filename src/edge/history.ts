import type { Context, TypedResponse } from "hono";
import type { FormOfPage, HistoryText, PageQuery } from "../conversation/queries/history.ts";
import type { MessageForm } from "../conversation/queries/message-texts.ts";
import { wireMessage } from "../live/wire.ts";
import type { EdgeEnv } from "./context.ts";
import { ask } from "./conversations.ts";
import { unwrapped } from "./refusal.ts";

/** A page of a conversation's messages, as its object writes it. Throws a refusal. */
export async function pageOf(
  c: Context<EdgeEnv>,
  conversationId: string,
  query: PageQuery,
  form: MessageForm,
): Promise<HistoryText> {
  const actor = c.get("actor");
  const linkTo = c.get("linkTo");
  const as = formOf(c, form);
  const page = unwrapped(await ask(c, conversationId, (stub) => stub.history(actor, query, as)));
  if ("text" in page) return page;
  // An object of the previous version answers the messages.
  const json = page.messages.map((message) => {
    const readers = page.readers?.get(message.number) ?? [];
    const wire = wireMessage(conversationId, message, linkTo);
    return JSON.stringify(form.present(conversationId, wire, readers));
  });
  if (!query.oldestFirst) json.reverse();
  return { text: json.join(), total: page.total };
}

/** How an object is to write messages for the caller. */
export function formOf(c: Context<EdgeEnv>, { name }: MessageForm): FormOfPage {
  return { form: name, origin: c.get("settings").PUBLIC_URL ?? new URL(c.req.url).origin };
}

/** Answers with JSON that is written already: that it is a `Body` is the caller's word. */
export function answerText<Body>(
  c: Context<EdgeEnv>,
  json: string,
): Response & TypedResponse<Body, 200, "json"> {
  const response = c.newResponse(json, 200, { "Content-Type": "application/json" });
  return response as Response & TypedResponse<Body, 200, "json">;
}
