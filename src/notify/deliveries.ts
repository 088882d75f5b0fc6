import type { PendingDelivery } from "../domain/delivery.ts";
import {
  type Delivery,
  NOTIFICATION_TTL_MS,
  type Notification,
  type NotificationRead,
} from "../domain/notification.ts";
import { DeliveryStore } from "./delivery-store.ts";
import type { Receiver } from "./receiver.ts";
import { type First, ReceiverQueue } from "./receiver-queue.ts";
import { Slots } from "./turns.ts";

/** Requests of one user at a time; the platform makes further ones of an object wait. */
const CONCURRENT = 6;
/** A notification that has waited longer for its turn is rechecked before it is sent. */
const FRESH_MS = 500;

export interface DeliveriesOptions {
  sql: SqlStorage;
  userId: string;
  clock: () => number;
  /** In [0, 1). */
  random?: () => number;
  receivers: () => readonly Receiver[];
  /**
   * Rechecks with the conversation before a retry. `undefined`: nothing is to be said any more. `later`: a
   * newer notification is about to be delivered, which takes this one in.
   */
  compose: (
    conversationId: string,
    pending: { id: string; epoch: string; afterRev: number },
  ) => Promise<Notification | "later" | undefined>;
  /** Has {@link Deliveries.check} called at a time, or sooner. */
  callAt: (time: number) => void;
  /** An attempt of a receiver has ended, after so many milliseconds. */
  onAttempt?: (receiver: string, outcome: Delivery["outcome"], ms: number) => void;
  /** An attempt failed, a receiver is gone, or a conversation could not be asked. No text, no address. */
  onFailure: (fields: Record<string, unknown>) => void;
}

/**
 * Sends the notifications of a user to each of their receivers, and again what was not accepted, until it
 * expires: at least once, with the same id. What failed is stored, one row for each receiver and conversation,
 * and composed anew for each attempt. Nothing is pending in memory between attempts.
 */
export class Deliveries {
  private readonly options: DeliveriesOptions;
  private readonly store: DeliveryStore;
  private readonly slots = new Slots(CONCURRENT);
  private readonly queues = new Map<string, ReceiverQueue>();
  /** Whether this instance has made sure that an alarm is set for what earlier ones stored. */
  private isScheduled = false;

  constructor(options: DeliveriesOptions) {
    this.options = options;
    this.store = new DeliveryStore(options.sql);
  }

  /**
   * Sends to every receiver now; what fails for now is stored and retried. A receiver that has failed is
   * spared until its next retry, unless it only rejected something. Resolves when every attempt has ended:
   * each is then accepted, stored, or given up for good. Until then the caller keeps the notification, for
   * the object may end.
   */
  async deliver(notification: Notification, after: { epoch: string; rev: number }): Promise<void> {
    const { clock, receivers } = this.options;
    const { id, expiresAt, conversation } = notification;
    const delivery = { conversationId: conversation.id, id, after, expiresAt, attempts: 0 };
    const composedAt = clock();
    this.scheduleStored();
    await Promise.all(
      receivers().map((receiver) => {
        const { key } = receiver;
        const first = { composedAt, send: () => receiver.send(notification) };
        return this.queue(key).start(receiver, { ...delivery, receiver: key }, first);
      }),
    );
  }

  /**
   * Everything that the user was notified of in a conversation was read: told to the receivers that can
   * withdraw it, and no longer sent to the others. Resolves as {@link deliver} does.
   */
  async read(read: NotificationRead): Promise<void> {
    const { clock, receivers } = this.options;
    const { id, conversationId } = read;
    const composedAt = clock();
    const expiresAt = composedAt + NOTIFICATION_TTL_MS;
    const delivery = { conversationId, id, after: undefined, expiresAt, attempts: 0 };
    this.scheduleStored();
    await Promise.all(
      receivers().map(async (receiver) => {
        const { key } = receiver;
        if (!receiver.sendRead) return this.store.remove(key, conversationId);
        const first = { composedAt, send: () => sendRead(receiver, read) };
        return this.queue(key).start(receiver, { ...delivery, receiver: key }, first);
      }),
    );
  }

  /**
   * Retries what is due. Resolves when every attempt has ended; the alarm waits for it, so that the platform
   * repeats it should the object end meanwhile.
   */
  async check(): Promise<void> {
    const { clock, receivers, onFailure } = this.options;
    this.isScheduled = true;
    const all = receivers();
    const keys = new Set(all.map(({ key }) => key));
    for (const key of this.queues.keys()) if (!keys.has(key)) this.queues.delete(key);
    const expired = this.store.clean(clock(), keys);
    if (expired > 0) onFailure({ outcome: "expired", deliveries: expired });
    const waiting = new Set(this.store.receiversWithPending());
    await Promise.all(
      all.filter(({ key }) => waiting.has(key)).map(({ key }) => this.queue(key).retry()),
    );
  }

  /** Whether a receiver wants no more until the user comes back. */
  isStopped(receiver: string): boolean {
    return this.store.state(receiver).isStopped;
  }

  /** The user has connected: receivers that had stopped are used again. Whether there were any. */
  cameBack(): boolean {
    const stopped = this.store.stopped();
    for (const receiver of stopped) this.store.setHealthy(receiver);
    this.scheduleStored();
    return stopped.length > 0;
  }

  /** Sends what a delivery is about now. */
  private async send(
    receiver: Receiver,
    delivery: PendingDelivery,
    first: First | undefined,
  ): Promise<Delivery | "nothing" | "later"> {
    const { clock, compose, onFailure, userId } = this.options;
    const { conversationId, id, after, expiresAt } = delivery;
    if (first && (!after || clock() - first.composedAt < FRESH_MS))
      return this.attempted(receiver, first.send);
    if (!after) {
      const read = { id, userId, conversationId, total: undefined };
      return this.attempted(receiver, () => sendRead(receiver, read));
    }
    try {
      const pending = { id, epoch: after.epoch, afterRev: after.rev };
      const notification = await compose(conversationId, pending);
      if (!notification) return "nothing";
      if (notification === "later") return "later";
      return this.attempted(receiver, () => receiver.send({ ...notification, id, expiresAt }));
    } catch (error) {
      onFailure({ receiver: receiver.key, conversationId, outcome: "unchecked", error });
      return "later";
    }
  }

  private async attempted(receiver: Receiver, send: () => Promise<Delivery>): Promise<Delivery> {
    const { clock, onAttempt } = this.options;
    const begun = clock();
    const delivery = await outcomeOf(send);
    onAttempt?.(receiver.key, delivery.outcome, clock() - begun);
    return delivery;
  }

  private queue(key: string): ReceiverQueue {
    const known = this.queues.get(key);
    if (known) return known;
    const { clock, random = Math.random, receivers, callAt, onFailure } = this.options;
    const queue = new ReceiverQueue(key, {
      ...{ store: this.store, slots: this.slots, clock, random, callAt, onFailure },
      send: (receiver, delivery, first) => this.send(receiver, delivery, first),
      receiver: () => receivers().find((receiver) => receiver.key === key),
    });
    this.queues.set(key, queue);
    return queue;
  }

  private scheduleStored(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    for (const receiver of this.store.receiversWithPending()) this.queue(receiver).schedule();
  }
}

async function sendRead(receiver: Receiver, read: NotificationRead): Promise<Delivery> {
  return (await receiver.sendRead?.(read)) ?? { outcome: "delivered" };
}

/** A receiver that throws has failed. */
async function outcomeOf(send: () => Promise<Delivery>): Promise<Delivery> {
  try {
    return await send();
  } catch (error) {
    return { outcome: "retry", reason: error instanceof Error ? error.name : "exception" };
  }
}
