import {
  afterFailure,
  HEALTHY,
  type PendingDelivery,
  type ReceiverState,
  replaced,
} from "../domain/delivery.ts";
import type { Delivery } from "../domain/notification.ts";
import type { DeliveryStore } from "./delivery-store.ts";
import type { Receiver } from "./receiver.ts";
import { type Slots, Turns } from "./turns.ts";

/** Retries to one receiver at a time, once it accepts again. */
const CONCURRENT_RETRIES = 4;
/** When a conversation that could not say what there is to notify of is asked again. */
const RECHECK_MS = 30_000;
/** Conversations that are retried in one go, at most. */
const MAX_RETRIES = 500;
/** No retry begins after this: the other work of the alarm waits for it. */
const MAX_RETRYING_MS = 30_000;

export interface ReceiverQueueOptions {
  store: DeliveryStore;
  /** Requests of the user, to whatever receiver. */
  slots: Slots;
  clock: () => number;
  /** In [0, 1). */
  random: () => number;
  /** Sends what a delivery is about now. `first`: it was composed for this attempt. */
  send: (
    receiver: Receiver,
    delivery: PendingDelivery,
    first: First | undefined,
  ) => Promise<Delivery | "nothing" | "later">;
  /** The receiver as it is now; `undefined`: it no longer exists. */
  receiver: () => Receiver | undefined;
  /** Has {@link ReceiverQueue.retry} called at a time, or sooner. */
  callAt: (time: number) => void;
  onFailure: (fields: Record<string, unknown>) => void;
}

/** What is sent at the first attempt, if it is still new. */
export interface First {
  send: () => Promise<Delivery>;
  composedAt: number;
}

/**
 * The deliveries to one receiver. While it fails, one attempt is made after each pause, whatever waits; then
 * the rest follows, several at a time. Attempts of one conversation do not overtake each other.
 */
export class ReceiverQueue {
  private readonly key: string;
  private readonly options: ReceiverQueueOptions;
  private readonly turns = new Turns();
  /** An attempt is under way that shows whether the receiver accepts again. */
  private isProbing = false;
  /** Something of the present {@link retryAll} was more than put off. */
  private hasProgressed = false;
  private retrying: Promise<void> | undefined;

  constructor(key: string, options: ReceiverQueueOptions) {
    this.key = key;
    this.options = options;
  }

  /** Makes the first attempt of a delivery, or stores it where the receiver has failed. */
  start(receiver: Receiver, newer: PendingDelivery, first: First): Promise<void> {
    const { store, slots } = this.options;
    const { conversationId } = newer;
    return this.turns.take(conversationId, async () => {
      const delivery = replaced(store.get(this.key, conversationId), newer);
      await slots.take(async () => {
        const { isRejecting, isStopped } = this.state;
        if (isStopped || !this.options.receiver()) return;
        if (isRejecting || this.isReady()) await this.attempt(receiver, delivery, first);
        else this.keep(delivery);
      });
    });
  }

  /** Retries what waits, if it is time. */
  retry(): Promise<void> {
    this.retrying ??= this.retryAll().finally(() => {
      this.retrying = undefined;
    });
    return this.retrying;
  }

  /** Has what waits retried when it is time. */
  schedule(pauseMs = 0): void {
    const { clock, callAt } = this.options;
    callAt(Math.max(clock() + pauseMs, this.state.retryAt));
  }

  private async retryAll(): Promise<void> {
    const { store, clock } = this.options;
    const waiting = store.pendingFor(this.key, MAX_RETRIES);
    const isCut = waiting.length === MAX_RETRIES;
    const until = clock() + MAX_RETRYING_MS;
    this.hasProgressed = false;
    const next = async (isEnough: () => boolean): Promise<void> => {
      while (!isEnough() && clock() < until) {
        const conversationId = waiting.shift();
        if (conversationId === undefined) return;
        await this.retryOne(conversationId);
      }
    };
    const isFailing = () => this.state.failures > 0;
    await next(() => !isFailing() || !this.isReady());
    if (!isFailing()) {
      await Promise.all(Array.from({ length: CONCURRENT_RETRIES }, () => next(isFailing)));
    }
    const isPutOff = this.isProbing || !this.hasProgressed;
    if (isCut || waiting.length > 0) this.schedule(isPutOff ? RECHECK_MS : 0);
  }

  private retryOne(conversationId: string): Promise<void> {
    const { store, slots, receiver: current } = this.options;
    return this.turns.take(conversationId, () =>
      slots.take(async () => {
        const delivery = store.get(this.key, conversationId);
        const receiver = current();
        if (receiver && delivery && this.isReady())
          await this.attempt(receiver, delivery, undefined);
      }),
    );
  }

  private get state(): ReceiverState {
    return this.options.store.state(this.key);
  }

  /** Whether something may be sent now. */
  private isReady(): boolean {
    const { failures, retryAt, isStopped } = this.state;
    if (isStopped) return false;
    return failures === 0 || (this.options.clock() >= retryAt && !this.isProbing);
  }

  private async attempt(
    receiver: Receiver,
    delivery: PendingDelivery,
    first: First | undefined,
  ): Promise<void> {
    const isProbe = this.state.failures > 0 && !this.isProbing;
    if (isProbe) this.isProbing = true;
    try {
      const sent = await this.options.send(receiver, delivery, first);
      if (sent !== "later") this.hasProgressed = true;
      if (sent === "nothing") this.options.store.remove(this.key, delivery.conversationId);
      else if (sent !== "later") this.settle(receiver, delivery, sent);
      else if (first) this.keep(delivery, RECHECK_MS);
      else this.schedule(RECHECK_MS);
    } finally {
      if (isProbe) this.isProbing = false;
    }
  }

  private settle(receiver: Receiver, delivery: PendingDelivery, sent: Delivery): void {
    const { store, clock, random, onFailure } = this.options;
    const { key, state } = this;
    const { conversationId } = delivery;
    const attempts = delivery.attempts + 1;
    if (sent.outcome !== "delivered") {
      onFailure({ receiver: key, conversationId, attempts, ...sent });
    }
    // Another attempt, at the same time, was told that it wants no more.
    if (state.isStopped) return;
    switch (sent.outcome) {
      case "gone":
        this.stop(receiver);
        return;
      case "retry": {
        const { retryAfterMs, isRejected = false } = sent;
        const failure = { now: clock(), retryAfterMs, isRejected, random: random() };
        store.setState(key, afterFailure(state, failure));
        this.keep({ ...delivery, attempts });
        return;
      }
      default:
        store.remove(key, conversationId);
        store.setHealthy(key);
        if (state.failures > 0 && !state.isRejecting) this.recovered();
    }
  }

  /** The receiver had failed, and accepts again: what waits follows, unless it is being retried. */
  private recovered(): void {
    if (this.retrying) return;
    if (this.options.store.pendingFor(this.key, 1).length > 0) this.schedule();
  }

  /** Sends nothing more. A receiver that continues to exist is used again once the user is back. */
  private stop(receiver: Receiver): void {
    const { store, receiver: current } = this.options;
    receiver.forget();
    store.removeAll(this.key);
    if (current()) store.setState(this.key, { ...HEALTHY, isStopped: true });
    else store.setHealthy(this.key);
  }

  private keep(delivery: PendingDelivery, pauseMs = 0): void {
    this.options.store.put(delivery);
    this.schedule(pauseMs);
  }
}
