import { backoffMs } from "../conversation/outbound/backoff.ts";
import { afterFailure, HEALTHY, type PendingDelivery, replaced } from "../domain/delivery.ts";
import {
  type Delivery,
  NOTIFICATION_TTL_MS,
  type Notification,
  type NotificationRead,
} from "../domain/notification.ts";
import { DeliveryStore } from "./delivery-store.ts";
import type { Receiver } from "./receiver.ts";
import { Slots, Turns } from "./turns.ts";

/** Requests of one user at a time; the platform makes further ones of an object wait. */
const CONCURRENT = 6;
/** Retries to one receiver at a time, once it accepts again. */
const CONCURRENT_RETRIES = 4;
/** A notification that has waited longer for its turn is rechecked before it is sent. */
const FRESH_MS = 500;
/** Conversations that one call of {@link Deliveries.check} retries for each receiver, at most. */
const MAX_RETRIES = 500;
/** A call of {@link Deliveries.check} begins no attempt after this: the alarm's other work waits for it. */
const MAX_CHECK_MS = 30_000;

export interface DeliveriesOptions {
  sql: SqlStorage;
  userId: string;
  clock: () => number;
  /** In [0, 1). */
  random?: () => number;
  receivers: () => readonly Receiver[];
  /** Rechecks with the conversation before a retry; `undefined`: nothing is to be said any more. */
  compose: (
    conversationId: string,
    pending: { id: string; epoch: string; afterRev: number },
  ) => Promise<Notification | undefined>;
  /** Has {@link Deliveries.check} called at a time, or sooner. */
  callAt: (time: number) => void;
  /** An attempt failed, a receiver is gone, or a conversation could not be asked. No text, no address. */
  onFailure: (fields: Record<string, unknown>) => void;
}

/** A notification that was composed at a time. */
interface Composed {
  notification: Notification;
  at: number;
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
  /** Attempts of one receiver and conversation do not overtake each other. */
  private readonly turns = new Turns();
  private readonly retrying = new Map<string, Promise<void>>();
  /** Conversations that could not be asked, in a row. */
  private composeFailures = 0;
  /** Whether this instance has made sure that an alarm is set for what earlier ones stored. */
  private isScheduled = false;

  constructor(options: DeliveriesOptions) {
    this.options = options;
    this.store = new DeliveryStore(options.sql);
  }

  /**
   * Sends to every receiver now; what fails for now is stored and retried. A receiver that has failed is
   * spared until its next retry, unless it only rejected something. Resolves when every attempt has ended: each is then accepted, stored, or
   * given up for good. Until then the caller keeps the notification, for the object may end.
   */
  async deliver(notification: Notification, after: { epoch: string; rev: number }): Promise<void> {
    const composed = { notification, at: this.options.clock() };
    const { id, expiresAt, conversation } = notification;
    const delivery = { conversationId: conversation.id, id, after, expiresAt, attempts: 0 };
    this.scheduleStored();
    await Promise.all(
      this.options.receivers().map((receiver) => {
        const newer: PendingDelivery = { ...delivery, receiver: receiver.key };
        return this.start(receiver, newer, composed, undefined);
      }),
    );
  }

  /**
   * Everything that the user was notified of in a conversation was read: told to the receivers that can
   * withdraw it, and no longer sent to the others. Resolves as {@link deliver} does.
   */
  async read(read: NotificationRead): Promise<void> {
    const { id, conversationId } = read;
    const expiresAt = this.options.clock() + NOTIFICATION_TTL_MS;
    const delivery = { conversationId, id, after: undefined, expiresAt, attempts: 0 };
    this.scheduleStored();
    await Promise.all(
      this.options.receivers().map(async (receiver) => {
        if (!receiver.sendRead) return this.store.remove(receiver.key, conversationId);
        const newer: PendingDelivery = { ...delivery, receiver: receiver.key };
        return this.start(receiver, newer, undefined, read);
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
    const expired = this.store.clean(clock(), new Set(all.map(({ key }) => key)));
    if (expired > 0) onFailure({ outcome: "expired", deliveries: expired });
    const waiting = new Set(this.store.receiversWithPending());
    await Promise.all(
      all
        .filter(({ key }) => waiting.has(key))
        .map((receiver) => {
          const { key } = receiver;
          const running = this.retrying.get(key);
          if (running) return running;
          const retrying = this.retry(receiver).finally(() => {
            this.retrying.delete(key);
            this.schedule(key);
          });
          this.retrying.set(key, retrying);
          return retrying;
        }),
    );
  }

  /** The user has connected: receivers that had stopped are used again. */
  cameBack(): void {
    for (const receiver of this.store.stopped()) this.store.setHealthy(receiver);
    this.scheduleStored();
  }

  /** Makes the first attempt of a delivery, or stores it where its receiver has failed. */
  private start(
    receiver: Receiver,
    newer: PendingDelivery,
    composed: Composed | undefined,
    read: NotificationRead | undefined,
  ): Promise<void> {
    const { key } = receiver;
    return this.turns.take(`${key} ${newer.conversationId}`, async () => {
      const delivery = replaced(this.store.get(key, newer.conversationId), newer);
      await this.slots.take(async () => {
        const { failures, isRejecting, isStopped } = this.store.state(key);
        if (isStopped) return;
        if (failures > 0 && !isRejecting) this.keep(delivery);
        else await this.attempt(receiver, delivery, composed, read);
      });
    });
  }

  /** Retries what waits for a receiver: one delivery at first, then several at a time. */
  private async retry(receiver: Receiver): Promise<void> {
    const { key } = receiver;
    const waiting = this.store.pendingFor(key, MAX_RETRIES);
    const until = this.options.clock() + MAX_CHECK_MS;
    const next = async (isEnough: () => boolean): Promise<void> => {
      while (!isEnough() && this.options.clock() < until) {
        const conversationId = waiting.shift();
        if (conversationId === undefined) return;
        await this.retryOne(receiver, conversationId);
      }
    };
    const isFailing = () => this.store.state(key).failures > 0;
    const isResting = () => {
      const { failures, retryAt, isStopped } = this.store.state(key);
      return isStopped || (failures > 0 && this.options.clock() < retryAt);
    };
    await next(() => isResting() || !isFailing());
    if (isResting()) return;
    await Promise.all(Array.from({ length: CONCURRENT_RETRIES }, () => next(isFailing)));
  }

  private retryOne(receiver: Receiver, conversationId: string): Promise<void> {
    const { key } = receiver;
    return this.turns.take(`${key} ${conversationId}`, () =>
      this.slots.take(async () => {
        const delivery = this.store.get(key, conversationId);
        if (delivery) await this.attempt(receiver, delivery, undefined, undefined);
      }),
    );
  }

  /** Makes one attempt, and stores what comes of it. */
  private async attempt(
    receiver: Receiver,
    delivery: PendingDelivery,
    composed: Composed | undefined,
    read: NotificationRead | undefined,
  ): Promise<void> {
    const { key } = receiver;
    const { conversationId, after } = delivery;
    if (!after) {
      const { userId } = this.options;
      const told = read ?? { id: delivery.id, userId, conversationId, total: undefined };
      const send = async () => receiver.sendRead?.(told) ?? { outcome: "delivered" as const };
      this.settle(receiver, delivery, await this.outcomeOf(send));
      return;
    }
    let notification: Notification | undefined;
    try {
      notification = await this.current(delivery, after, composed);
    } catch (error) {
      this.options.onFailure({ receiver: key, conversationId, outcome: "unchecked", error });
      this.composeFailures++;
      this.keep(delivery);
      return;
    }
    this.composeFailures = 0;
    if (!notification) return this.store.remove(key, conversationId);
    const current = notification;
    this.settle(receiver, delivery, await this.outcomeOf(() => receiver.send(current)));
  }

  /** What is to be sent now; `undefined`: nothing any more. */
  private async current(
    delivery: PendingDelivery,
    after: { epoch: string; rev: number },
    composed: Composed | undefined,
  ): Promise<Notification | undefined> {
    const { clock, compose } = this.options;
    const { id, expiresAt, conversationId } = delivery;
    if (composed && clock() - composed.at < FRESH_MS) return composed.notification;
    const pending = { id, epoch: after.epoch, afterRev: after.rev };
    const notification = await compose(conversationId, pending);
    return notification && { ...notification, id, expiresAt };
  }

  private async outcomeOf(send: () => Promise<Delivery>): Promise<Delivery> {
    try {
      return await send();
    } catch (error) {
      return { outcome: "retry", reason: error instanceof Error ? error.name : "exception" };
    }
  }

  private settle(receiver: Receiver, delivery: PendingDelivery, outcome: Delivery): void {
    const { clock, random = Math.random, onFailure } = this.options;
    const { key } = receiver;
    const { conversationId } = delivery;
    if (outcome.outcome !== "delivered") {
      onFailure({ receiver: key, conversationId, attempts: delivery.attempts + 1, ...outcome });
    }
    // Another attempt, at the same time, was told that it wants no more.
    if (this.store.state(key).isStopped) return;
    switch (outcome.outcome) {
      case "gone":
        this.stop(receiver);
        return;
      case "retry": {
        const now = clock();
        const { retryAfterMs, isRejected = false } = outcome;
        const failure = { now, retryAfterMs, isRejected, random: random() };
        this.store.setState(key, afterFailure(this.store.state(key), failure));
        this.keep({ ...delivery, attempts: delivery.attempts + 1 });
        return;
      }
      default:
        this.store.remove(key, conversationId);
        this.store.setHealthy(key);
    }
  }

  /** Sends nothing more to a receiver. One that the user does not add again is used once they are back. */
  private stop(receiver: Receiver): void {
    const { key } = receiver;
    receiver.forget();
    this.store.removeAll(key);
    const isForgotten = !this.options.receivers().some((other) => other.key === key);
    if (isForgotten) this.store.setHealthy(key);
    else this.store.setState(key, { ...HEALTHY, isStopped: true });
  }

  private keep(delivery: PendingDelivery): void {
    this.store.put(delivery);
    this.schedule(delivery.receiver);
  }

  private scheduleStored(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    for (const receiver of this.store.receiversWithPending()) this.schedule(receiver);
  }

  /** Sets the alarm for what waits for a receiver. */
  private schedule(receiver: string): void {
    const { clock, callAt } = this.options;
    if (this.store.pendingFor(receiver, 1).length === 0) return;
    const { retryAt } = this.store.state(receiver);
    const pause = this.composeFailures > 0 ? backoffMs(this.composeFailures) : 0;
    callAt(Math.max(clock() + pause, retryAt));
  }
}
