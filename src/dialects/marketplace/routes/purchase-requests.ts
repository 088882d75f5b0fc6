import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { hostId, optional, userId } from "../../../contract/fields.ts";
import { directoryOf } from "../../../directory/directory.ts";
import { purchaseRequestChatOf, purchaseRequestOf } from "../../../directory/purchase-requests.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { ask } from "../../../edge/conversations.ts";
import { presentId } from "../../../edge/derived.ts";
import { refuse } from "../../../edge/refusal.ts";
import { type Chat, chatSchema, presentChat } from "../presenter.ts";
import { enveloped } from "../schemas.ts";
import { chatOf } from "./chats.ts";

/** Identifies a chat about a purchase request. */
export interface Naming {
  purchaseRequestId: string;
  buyerId: string;
  sellerId: string;
}

export const purchaseRequestBody = z.object({
  purchaseRequestId: hostId,
  sellerId: userId,
  buyerId: optional(userId).openapi({
    description: "For the seller: whose chat they are looking for",
  }),
});

/** A found chat; `ambiguous`: the seller has several about this request. */
const found = z.object({ chat: chatSchema, ambiguous: z.literal(true).optional() });
export const chatFound = enveloped(found);

/**
 * What the id of a chat about a purchase request is derived from: the buyer as well, so that no one can
 * occupy another buyer's.
 */
export function partsOf({ purchaseRequestId, buyerId, sellerId }: Naming): string[] {
  return ["purchase-request", purchaseRequestId, buyerId, sellerId];
}

/** The chat that the caller looks for as the seller: the given buyer's, or the oldest. */
export async function chatForSeller(
  c: Context<EdgeEnv>,
  { purchaseRequestId, sellerId, buyerId }: z.output<typeof purchaseRequestBody>,
): Promise<z.infer<typeof found>> {
  if (buyerId !== undefined) {
    const chatId = await presentId(c, partsOf({ purchaseRequestId, sellerId, buyerId }));
    return { chat: await chatOf(c, chatId) };
  }
  const oldest = await purchaseRequestChatOf(c.get("directory"), purchaseRequestId, sellerId);
  if (!oldest) refuse("conversation_not_found");
  const { chatId, ambiguous } = oldest;
  return { chat: await chatOf(c, chatId), ...(ambiguous && { ambiguous }) };
}

/**
 * Refuses to open a chat about an unregistered request, where registration is required; an existing
 * chat is still found. `undefined`: it may be opened.
 */
export async function openedBefore(c: Context<EdgeEnv>, naming: Naming): Promise<Chat | undefined> {
  if (c.get("settings").PURCHASE_REQUESTS === "open") return undefined;
  // Read from the primary: the host may have just registered it.
  const request = await purchaseRequestOf(directoryOf(c.env.DB), naming.purchaseRequestId);
  const isTheirs =
    request?.buyerId === naming.buyerId && (request.sellerIds?.includes(naming.sellerId) ?? true);
  if (isTheirs) return undefined;
  const chatId = await presentId(c, partsOf(naming));
  const overview = await ask(c, chatId, (stub) => stub.overview(c.get("actor")));
  if (!overview.ok) refuse("purchase_request_not_found");
  return presentChat(overview.value, c.get("actor").userId, c.get("linkTo"));
}
