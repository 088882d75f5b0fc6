import type { Batch, Subscriber } from "./gateway-api.ts";
import { mergedBatch } from "./merged-batch.ts";

/** What a gateway is sent. */
export type Delivery = { subscriber: Subscriber } & (
  | { type: "batch"; batch: Batch }
  /** An event without a revision. */
  | { type: "ephemeral"; line: string }
);

/** Milliseconds between the beginnings of two rounds at most. */
export const MAX_PAUSE_MS = 100;
/** How many times the time that half of the gateways take to answer a round the next one waits. */
export const PAUSE_FACTOR = 4;

/** Deliveries that wait for one gateway at most. */
export const MAX_WAITING = 64;

/** The calls by which the batches of a commit, or of several, are delivered. */
interface Round {
  began: number;
  /** Answers until half of its gateways have answered. */
  missing: number;
}

/**
 * Delivers batches in rounds: a call to every gateway. After a round with several events, which is a sign of
 * load, the next one waits until {@link PAUSE_FACTOR} times the time has passed that half of the gateways
 * took to answer, at most {@link MAX_PAUSE_MS}; batches that wait are merged, so that load makes calls larger
 * instead of more. Otherwise a batch is delivered at once. Each gateway gets its deliveries in order.
 */
export class DeliveryRounds {
  private readonly send: (delivery: Delivery) => Promise<void>;
  private readonly clock: () => number;
  /** By gateway. */
  private readonly waiting = new Map<string, Delivery[]>();
  private round: Round | undefined;
  private pausedUntil = Number.NEGATIVE_INFINITY;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `send` makes the call, and resolves when it is answered or has failed. */
  constructor(send: (delivery: Delivery) => Promise<void>, clock: () => number) {
    this.send = send;
    this.clock = clock;
  }

  /** Delivers the batches of a commit: at once, unless there was a round just now. */
  add(deliveries: readonly Delivery[]): void {
    if (this.timer === undefined && this.clock() >= this.pausedUntil) {
      this.start(deliveries);
      return;
    }
    for (const delivery of deliveries) this.wait(delivery);
    this.schedule();
  }

  /** Delivers an event without a revision: at once, unless a batch waits that comes before it. */
  addEphemeral(subscriber: Subscriber, line: string): void {
    const delivery: Delivery = { type: "ephemeral", subscriber, line };
    if (this.waiting.has(subscriber.gateway)) this.wait(delivery);
    else void this.send(delivery);
  }

  /** What waits for a gateway is not sent. */
  remove(gateway: string): void {
    this.waiting.delete(gateway);
  }

  private wait(delivery: Delivery): void {
    const { gateway } = delivery.subscriber;
    const deliveries = this.waiting.get(gateway) ?? [];
    const merged = mergedDelivery(deliveries.at(-1), delivery);
    if (merged) deliveries.splice(-1, 1, merged);
    else deliveries.push(delivery);
    this.waiting.set(gateway, deliveries);
    if (deliveries.length < MAX_WAITING) return;
    this.waiting.delete(gateway);
    for (const one of deliveries) void this.send(one);
  }

  private start(deliveries: readonly Delivery[]): void {
    const began = this.clock();
    const round = { began, missing: Math.ceil(deliveries.length / 2) };
    this.round = round;
    this.pausedUntil = deliveries.some(hasSeveralEvents) ? began + MAX_PAUSE_MS : began;
    for (const delivery of deliveries) {
      void this.send(delivery).then(() => this.answered(round));
    }
  }

  private answered(round: Round): void {
    round.missing--;
    if (round.missing !== 0 || this.round !== round) return;
    const tookMs = this.clock() - round.began;
    this.pausedUntil = Math.min(this.pausedUntil, round.began + PAUSE_FACTOR * tookMs);
    if (this.timer !== undefined) this.schedule();
  }

  /** Sets the timer for what waits. */
  private schedule(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.release(), this.pausedUntil - this.clock());
  }

  private release(): void {
    this.timer = undefined;
    const deliveries = [...this.waiting.values()].flat();
    this.waiting.clear();
    if (deliveries.length > 0) this.start(deliveries);
  }
}

function hasSeveralEvents(delivery: Delivery): boolean {
  return delivery.type === "batch" && delivery.batch.lines.length > 1;
}

function mergedDelivery(earlier: Delivery | undefined, later: Delivery): Delivery | undefined {
  if (earlier?.type !== "batch" || later.type !== "batch") return undefined;
  const batch = mergedBatch(earlier.batch, later.batch);
  return batch && { ...later, batch };
}
