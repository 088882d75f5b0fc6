import type { Delivery } from "./notification.ts";
import { retryAfterMs } from "./retry-after.ts";

/** What the answer of a push service means (RFC 8030, section 7). `reason` names the host, never the endpoint. */
export function deliveryOf(
  { status, retryAfter, host }: { status: number; retryAfter: string | null; host: string },
  now: number,
): Delivery {
  const reason = `${host} answered ${status}`;
  if (status >= 200 && status < 300) return { outcome: "delivered" };
  if (status === 404 || status === 410) return { outcome: "gone" };
  if (status === 408 || status === 429 || status >= 500) {
    return { outcome: "retry", retryAfterMs: retryAfterMs(retryAfter, now), reason };
  }
  // Among them redirects, which are not followed, and 401 and 403: the key is not that of the subscription.
  return { outcome: "refused", reason };
}
