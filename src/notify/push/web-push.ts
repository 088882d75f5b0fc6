import { encryptNotification } from "@block65/webcrypto-web-push";
import type { PushDevice } from "../../conversation/outbound/inboxes/inbox-api.ts";
import type { Delivery, Notification } from "../../domain/notification.ts";
import { deliveryOf } from "../../domain/push-answer.ts";
import { endpointFault } from "../../domain/push-endpoint.ts";
import {
  encodedPayload,
  pushPayloadOf,
  topicOf,
  ttlSecondsOf,
  urgencyOf,
} from "../../domain/push-payload.ts";
import type { Settings } from "../../env.ts";
import { type Vapid, vapidOf } from "./vapid.ts";

/** After which an attempt is taken to have failed. */
export const PUSH_TIMEOUT_MS = 10_000;

export interface WebPushOptions {
  vapid: Vapid;
  /** See {@link endpointFault}. */
  hosts: readonly string[];
  clock: () => number;
  timeoutMs?: number;
}

/** Sends push messages for one user's object (RFC 8030). */
export class WebPush {
  private readonly options: WebPushOptions;
  /** Devices are sent to at the same time: those of one origin wait for one signature. */
  private readonly signing = new Map<string, Promise<string>>();

  constructor(options: WebPushOptions) {
    this.options = options;
  }

  /** One attempt, of {@link PUSH_TIMEOUT_MS} at most. Rejects only because of a bug. */
  async send(
    { endpoint, keys }: Pick<PushDevice, "endpoint" | "keys">,
    notification: Notification,
  ): Promise<Delivery> {
    const { hosts, clock } = this.options;
    const fault = endpointFault(endpoint, hosts);
    if (fault !== undefined) return { outcome: "refused", reason: `the endpoint is ${fault}` };
    const ttl = ttlSecondsOf(notification, clock());
    if (ttl === 0) return { outcome: "refused", reason: "expired" };
    const plaintext = encodedPayload(pushPayloadOf(notification));
    if (!plaintext) return { outcome: "refused", reason: "the payload is too long" };
    const { origin, host } = new URL(endpoint);
    const [authorization, body] = await Promise.all([
      this.authorization(origin),
      encrypted(keys, plaintext),
    ]);
    if (!body) return { outcome: "refused", reason: "the subscription's keys are unusable" };
    const headers = {
      Authorization: authorization,
      "Content-Encoding": "aes128gcm",
      "Content-Type": "application/octet-stream",
      TTL: String(ttl),
      Urgency: urgencyOf(notification),
      Topic: topicOf(notification),
    };
    try {
      const { status, retryAfter } = await this.post(endpoint, headers, body);
      return deliveryOf({ status, retryAfter, host }, clock());
    } catch (error) {
      // Its message may contain the endpoint.
      const isLate = error instanceof Error && error.name === "AbortError";
      return {
        outcome: "retry",
        reason: `${host} ${isLate ? "did not answer" : "is unreachable"}`,
      };
    }
  }

  private async post(endpoint: string, headers: Record<string, string>, body: BufferSource) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), this.options.timeoutMs ?? PUSH_TIMEOUT_MS);
    try {
      const response = await fetch(endpoint, {
        method: "POST",
        headers,
        body,
        // An allowed host could otherwise send us anywhere.
        redirect: "manual",
        signal: abort.signal,
      });
      const { status } = response;
      // Its end changes nothing: the status has arrived.
      await response.body?.cancel().catch(() => undefined);
      return { status, retryAfter: response.headers.get("Retry-After") };
    } finally {
      clearTimeout(timer);
    }
  }

  private authorization(origin: string): Promise<string> {
    const pending = this.signing.get(origin);
    if (pending) return pending;
    const { vapid, clock } = this.options;
    const signed = vapid.authorization(origin, clock()).finally(() => this.signing.delete(origin));
    this.signing.set(origin, signed);
    return signed;
  }
}

/** What sends the push messages of an object; `undefined` without a key. */
export function webPushOf(settings: Settings, clock: () => number): WebPush | undefined {
  const vapid = vapidOf(settings);
  return vapid && new WebPush({ vapid, hosts: settings.PUSH_HOSTS, clock });
}

/** `undefined`: the keys are not those of a browser. */
function encrypted(keys: PushDevice["keys"], plaintext: Uint8Array) {
  const subscription = { endpoint: "", expirationTime: null, keys };
  return encryptNotification(subscription, plaintext, { pad: false }).catch(() => undefined);
}
