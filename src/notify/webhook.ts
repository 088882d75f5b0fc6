import { Webhook } from "standardwebhooks";
import type { Delivery } from "../domain/notification.ts";
import { retryAfterMs } from "../domain/retry-after.ts";
import type { Settings } from "../env.ts";
import type { Receiver } from "./receiver.ts";
import { notificationBody, readBody, type WebhookBody } from "./webhook-body.ts";

/** How long the host application may take to answer. */
export const WEBHOOK_TIMEOUT_MS = 10_000;

/** Answers of a host that works and would not take this one; others of 400 to 499 ask for patience. */
const PATIENCE: readonly number[] = [408, 425, 429];

/**
 * The host application as a receiver: one POST for each notification, signed by the Standard Webhooks scheme
 * with every secret of `NOTIFY_SECRET`. `undefined`: none is configured. `clock` is the time of signatures.
 */
export function webhookOf(
  settings: Pick<Settings, "NOTIFY_URL" | "NOTIFY_SECRET">,
  clock: () => number,
): Receiver | undefined {
  const { NOTIFY_URL: url, NOTIFY_SECRET: secrets } = settings;
  if (!url || !secrets) return undefined;
  const signers = secrets.map((secret) => new Webhook(secret));
  const send = (body: WebhookBody) => post(url, JSON.stringify(body), body.id, signers, clock);
  return {
    key: "webhook",
    send: (notification) => send(notificationBody(notification)),
    sendRead: (read) => send(readBody(read)),
    // The settings name it. That it stopped for a user is stored with their deliveries.
    forget: () => undefined,
  };
}

async function post(
  url: string,
  body: string,
  id: string,
  signers: readonly Webhook[],
  clock: () => number,
): Promise<Delivery> {
  const now = new Date(clock());
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), WEBHOOK_TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "User-Agent": "Parley",
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(now.getTime() / 1_000)),
        "webhook-signature": signers.map((signer) => signer.sign(id, now, body)).join(" "),
      },
      body,
      // Only the configured address is trusted.
      redirect: "manual",
      signal: timeout.signal,
    });
    // Nobody reads it, however long it is.
    await response.body?.cancel();
    return deliveryOf(response, clock());
  } catch {
    // The error may have the address in it.
    return { outcome: "retry", reason: timeout.signal.aborted ? "timeout" : "unreachable" };
  } finally {
    clearTimeout(timer);
  }
}

function deliveryOf({ ok, status, headers }: Response, now: number): Delivery {
  if (ok) return { outcome: "delivered" };
  if (status === 410) return { outcome: "gone" };
  return {
    outcome: "retry",
    retryAfterMs: retryAfterMs(headers.get("Retry-After"), now),
    isRejected: status >= 400 && status < 500 && !PATIENCE.includes(status),
    reason: `status ${status}`,
  };
}
