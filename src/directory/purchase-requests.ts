import { and, asc, eq, isNull, ne, sql } from "drizzle-orm";
import { z } from "zod";
import type { Directory } from "./directory.ts";
import { conversations, members, purchaseRequests } from "./schema.ts";

/** A purchase request as the host application registers it. */
export interface PurchaseRequest {
  id: string;
  buyerId: string;
  /** The sellers of the request; absent: any. */
  sellerIds?: readonly string[] | undefined;
}

/** Inserts or replaces purchase requests in one statement. */
export async function registerPurchaseRequests(
  directory: Directory,
  requests: readonly PurchaseRequest[],
  now: number,
): Promise<void> {
  const rows = requests.map(({ id, buyerId, sellerIds }) => [
    id,
    buyerId,
    sellerIds ? JSON.stringify(sellerIds) : null,
  ]);
  await directory.run(sql`
    INSERT INTO purchase_requests (id, buyer_id, seller_ids, registered_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, ${now}
    FROM json_each(${JSON.stringify(rows)}) WHERE true
    ON CONFLICT (id) DO UPDATE SET buyer_id = excluded.buyer_id,
      seller_ids = excluded.seller_ids, registered_at = excluded.registered_at`);
}

/** The registered purchase request with an id. */
export async function purchaseRequestOf(
  directory: Directory,
  id: string,
): Promise<PurchaseRequest | undefined> {
  const [found] = await directory
    .select()
    .from(purchaseRequests)
    .where(eq(purchaseRequests.id, id));
  if (!found) return undefined;
  const { buyerId, sellerIds } = found;
  return {
    id,
    buyerId,
    sellerIds: sellerIds === null ? undefined : z.array(z.string()).parse(JSON.parse(sellerIds)),
  };
}

/**
 * The oldest conversation opened with a seller about a purchase request, and whether there are
 * several: later conversations about the same request do not replace the first.
 */
export async function purchaseRequestChatOf(
  directory: Directory,
  purchaseRequestId: string,
  sellerId: string,
): Promise<{ chatId: string; ambiguous?: true } | undefined> {
  const [oldest, another] = await directory
    .select({ id: conversations.id })
    .from(conversations)
    .innerJoin(members, eq(members.conversationId, conversations.id))
    .where(
      and(
        eq(conversations.purchaseRequestId, purchaseRequestId),
        ne(conversations.createdBy, sellerId),
        eq(members.userId, sellerId),
        isNull(members.leftAt),
      ),
    )
    .orderBy(asc(conversations.createdAt), asc(conversations.id))
    .limit(2);
  return oldest && { chatId: oldest.id, ...(another && { ambiguous: true }) };
}
