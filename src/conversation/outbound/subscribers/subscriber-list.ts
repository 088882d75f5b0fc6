import type { Subscriber } from "./gateway-api.ts";

/** The gateways that are subscribed to a conversation, by name and by person. */
export class SubscriberList {
  private readonly byGateway = new Map<string, Subscriber>();
  private readonly onPresence: (userId: string) => void;

  /** `onPresence`: the first gateway of a member was added, or the last one removed. */
  constructor(onPresence: (userId: string) => void) {
    this.onPresence = onPresence;
  }

  get size(): number {
    return this.byGateway.size;
  }

  get(gateway: string): Subscriber | undefined {
    return this.byGateway.get(gateway);
  }

  /** Every subscriber, as of now. */
  all(): Subscriber[] {
    return [...this.byGateway.values()];
  }

  ofUser(userId: string): Subscriber[] {
    return this.all().filter((subscriber) => subscriber.userId === userId);
  }

  /** Whether a member is online by a gateway. */
  has(userId: string): boolean {
    return this.ofUser(userId).some(({ counted }) => counted);
  }

  /** Whether others may see so. */
  isVisible(userId: string): boolean {
    return this.ofUser(userId).some(({ counted, visible }) => counted && visible);
  }

  /** Members who are online by gateways. */
  userIds(): string[] {
    return this.all().flatMap(({ userId, counted }) => (counted ? userId : []));
  }

  /** Adds one as it is stored: its presence was announced before. */
  restore(subscriber: Subscriber): void {
    this.byGateway.set(subscriber.gateway, subscriber);
  }

  add(subscriber: Subscriber): void {
    const isFirst = subscriber.counted && !this.has(subscriber.userId);
    this.byGateway.set(subscriber.gateway, subscriber);
    if (isFirst) this.onPresence(subscriber.userId);
  }

  remove({ gateway, userId, counted }: Subscriber): void {
    const isKnown = this.byGateway.delete(gateway);
    if (isKnown && counted && !this.has(userId)) this.onPresence(userId);
  }
}
