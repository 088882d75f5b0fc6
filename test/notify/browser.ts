import { runInDurableObject } from "cloudflare:test";
import { inject } from "vitest";
import type { Delivery, Notification } from "../../src/domain/notification.ts";
import type { Receiver } from "../../src/notify/receiver.ts";
import { inboxOf } from "../inbox/replica.ts";
import type { Caller } from "../support.ts";
import type { Behavior, Push, Subscribed } from "./push-service.ts";

/** Browsers that are subscribed to the push service on loopback, and what is sent to them. */

export const PUSH = "/api/push";
export const DEVICES = `${PUSH}/devices`;

export class Browser {
  readonly subscription: Subscribed;

  private constructor(subscription: Subscribed) {
    this.subscription = subscription;
  }

  /** Subscribes with the key that the server tells. */
  static async of(caller: Caller): Promise<Browser> {
    const { body } = await caller.get(`${PUSH}/key`);
    return Browser.withKey(body.key);
  }

  static async withKey(serverKey: string): Promise<Browser> {
    return new Browser(await control({ do: "subscribe", serverKey }));
  }

  /** Subscribes, and has the server know. */
  static async registered(caller: Caller): Promise<Browser> {
    const browser = await Browser.of(caller);
    await browser.register(caller);
    return browser;
  }

  async register(caller: Caller): Promise<void> {
    const { status } = await caller.put(DEVICES, this.subscription);
    if (status !== 204) throw new Error(`answered ${status}`);
  }

  /** The messages that the push service has accepted for it. */
  async accepted(): Promise<Push[]> {
    return (await this.received()).accepted;
  }

  /** What was asked of the push service for it: how that was answered, and why. */
  async requests(): Promise<{ status?: number; reason?: string }[]> {
    return (await this.received()).requests;
  }

  /** How the push service answers the next messages. */
  behave(...behaviors: Behavior[]): Promise<unknown> {
    return control({ do: "behave", endpoint: this.subscription.endpoint, behaviors });
  }

  private received() {
    return control<{ accepted: Push[]; requests: { status?: number; reason?: string }[] }>({
      do: "received",
      endpoint: this.subscription.endpoint,
    });
  }
}

async function control<T>(command: object): Promise<T> {
  const init = { method: "POST", body: JSON.stringify(command) };
  const response = await fetch(`${inject("pushService")}/control`, init);
  if (response.status !== 200) throw new Error(await response.text());
  return response.json();
}

/** The devices of a user, in their inbox. */
export function withReceivers<T>(
  person: Caller,
  use: (receivers: Receiver[]) => T | Promise<T>,
): Promise<T> {
  return runInDurableObject(inboxOf(person), (inbox) =>
    use(inbox["notifications"].devices.receivers()),
  );
}

/** Sends a notification to each device of a user, from their inbox. */
export function notify(person: Caller, notification: Notification): Promise<Delivery[]> {
  return withReceivers(person, (receivers) =>
    Promise.all(receivers.map((receiver) => receiver.send(notification))),
  );
}

/** A notification of a message in a direct conversation, with changes. */
export function notificationWith(changes: Partial<Notification> = {}): Notification {
  return {
    id: crypto.randomUUID(),
    userId: "bob",
    conversation: { id: "3fa85f64-5717-8562-b3fc-2c0000000000", kind: "direct", title: null },
    message: {
      id: "3fa85f64-5717-8562-b3fc-2c0000000001",
      senderId: "alice",
      senderName: "Alice",
      text: "Hello Bob",
      attachments: 0,
      createdAt: Date.UTC(2026, 10, 28, 12),
    },
    reason: "message",
    unread: 1,
    total: 3,
    url: "https://chat.test/#/c/3fa85f64-5717-8562-b3fc-2c0000000000",
    read: [],
    expiresAt: Date.now() + 24 * 60 * 60_000,
    ...changes,
  };
}
