import { deleteSubscriber, putSubscriber, subscribers } from "../../tables/subscribers.ts";
import type { Lines } from "../lines.ts";
import type { Batch, GatewayStub, Note, Protocol, Subscriber } from "./gateway-api.ts";
import { SubscriberCalls } from "./subscriber-calls.ts";

export interface SubscribersOptions {
  sql: SqlStorage;
  conversationId: string;
  /** The newest revision. */
  rev: number;
  stubOf: (protocol: Protocol, gateway: string) => GatewayStub;
  /** The first gateway of somebody came, or the last one went. */
  onPresence: (userId: string) => void;
  onFailure: (error: unknown) => void;
}

/** Somebody who left in a commit, and how many of its events they still hear. */
export interface Departure {
  userId: string;
  heard: number;
}

/**
 * The gateways that listen to a conversation. They survive hibernation in a table that is read once,
 * when the object wakes, and written only when one comes or goes: messages cost no row. Nothing waits
 * for a gateway; one that says that it is gone is forgotten.
 */
export class Subscribers {
  private readonly options: SubscribersOptions;
  private readonly calls: SubscriberCalls;
  private readonly byGateway = new Map<string, Subscriber>();
  /** Gateways of people who left, until they have taken their last batch: they listen no more. */
  private readonly leaving = new Map<string, { subscriber: Subscriber; last: Batch }>();
  /** The revision up to which the gateways have been told; what has no event may lie behind it. */
  private told: number;
  /** Whether they have been told anything since the object woke. */
  private spoke = false;

  constructor(options: SubscribersOptions) {
    this.options = options;
    this.calls = new SubscriberCalls(options.stubOf, options.onFailure);
    this.told = options.rev;
    for (const { subscriber, left } of subscribers(options.sql)) {
      const { gateway } = subscriber;
      if (left) this.leaving.set(gateway, { subscriber, last: { ...this.nothing(), last: true } });
      else this.byGateway.set(gateway, subscriber);
    }
  }

  /** Whether a member is online by a gateway. */
  has(userId: string): boolean {
    return this.ofUser(userId).some(({ counted }) => counted);
  }

  /** Members who are online by gateways. */
  userIds(): string[] {
    return [...this.byGateway.values()].flatMap(({ userId, counted }) => (counted ? userId : []));
  }

  /** A person's gateways. */
  ofUser(userId: string): Subscriber[] {
    return [...this.byGateway.values()].filter((subscriber) => subscriber.userId === userId);
  }

  add(subscriber: Subscriber): void {
    const first = subscriber.counted && !this.has(subscriber.userId);
    putSubscriber(this.options.sql, subscriber);
    this.leaving.delete(subscriber.gateway);
    this.byGateway.set(subscriber.gateway, subscriber);
    if (first) this.options.onPresence(subscriber.userId);
  }

  /** Somebody is a member now: staff who listen already are online by it from now on. */
  arrived(userId: string): void {
    for (const subscriber of this.ofUser(userId)) {
      if (!subscriber.counted) this.add({ ...subscriber, counted: true });
    }
  }

  remove(gateway: string): void {
    const subscriber = this.byGateway.get(gateway);
    if (!subscriber && !this.leaving.has(gateway)) return;
    deleteSubscriber(this.options.sql, gateway);
    this.leaving.delete(gateway);
    this.calls.forget(gateway);
    if (subscriber) this.drop(subscriber);
  }

  /** Forgets those of a person's gateways that are gone without having said so. */
  async evictStale(userId: string): Promise<void> {
    const { conversationId } = this.options;
    await Promise.all(
      this.ofUser(userId).map((one) => this.call(one, "isSubscribed", conversationId)),
    );
  }

  /** Passes on what a commit changed: to whoever left in it, up to that and for the last time. */
  committed(
    lines: Lines,
    notes: () => Note[],
    departures: readonly Departure[],
    rev: number,
  ): void {
    // What is broadcast to nobody wakes nobody: in a large conversation that is every read.
    if (lines.length === 0) return;
    const from = this.told;
    this.told = rev;
    if (this.byGateway.size === 0) return;
    this.spoke = true;
    const { conversationId } = this.options;
    const batch = { conversationId, from, to: rev, notes: notes() };
    for (const { userId, heard } of departures) {
      for (const subscriber of this.ofUser(userId)) {
        const heardLines = lines.for(subscriber).slice(0, heard);
        const last: Batch = { ...batch, lines: heardLines, last: true };
        this.leaving.set(subscriber.gateway, { subscriber, last });
        this.drop(subscriber);
        void this.call(subscriber, "deliver", last);
      }
    }
    for (const subscriber of this.byGateway.values()) {
      void this.call(subscriber, "deliver", { ...batch, lines: lines.for(subscriber) });
    }
  }

  /**
   * For the alarm that every commit sets: where the object was cut off between a commit and this, the
   * gateways have not heard of it, and now learn how far things are, or that their person was removed;
   * and so do those that a batch did not reach. Resolves to how long to wait until the next time, in
   * milliseconds, when some of them are still out of reach: an object can always be reached in the end,
   * and says itself that it is gone.
   */
  async retryUndelivered(): Promise<number | undefined> {
    const nothing = this.nothing();
    const everyone = [
      ...[...this.byGateway.values()].map((subscriber) => ({ subscriber, batch: nothing })),
      ...[...this.leaving.values()].map(({ subscriber, last }) => ({ subscriber, batch: last })),
    ];
    const behind = this.spoke
      ? everyone.filter(({ subscriber }) => this.calls.isBehind(subscriber.gateway))
      : everyone;
    this.spoke = true;
    await Promise.all(
      behind.map(({ subscriber, batch }) => this.call(subscriber, "deliver", batch)),
    );
    return this.calls.retryInMs;
  }

  /** Passes on what has no revision, to everybody's gateways but those of one person. */
  deliverEphemeral(line: string, exceptUserId: string): void {
    for (const subscriber of this.byGateway.values()) {
      if (subscriber.userId === exceptUserId) continue;
      void this.call(subscriber, "deliverEphemeral", this.options.conversationId, line);
    }
  }

  /**
   * Asks a gateway, and forgets one that does not listen. One that cannot be reached stays: it finds the
   * gap in the next batch, or when the alarm reminds it.
   */
  private async call<Name extends keyof GatewayStub>(
    subscriber: Subscriber,
    name: Name,
    ...parameters: Parameters<GatewayStub[Name]>
  ): Promise<void> {
    const { gateway } = subscriber;
    const listens = await this.calls.ask(subscriber, name, ...parameters);
    // It may have come back under the same name meanwhile, as another entry.
    const stays = this.byGateway.get(gateway) === subscriber;
    const leaves = this.leaving.get(gateway)?.subscriber === subscriber;
    if (!stays && !leaves) return;
    if (name === "deliver") this.calls.note(gateway, listens !== undefined);
    if (leaves ? name === "deliver" && listens !== undefined : listens === false) {
      this.remove(gateway);
    }
  }

  /** One listens no more: whether its person is online may hang on it. */
  private drop(subscriber: Subscriber): void {
    this.byGateway.delete(subscriber.gateway);
    if (subscriber.counted && !this.has(subscriber.userId)) {
      this.options.onPresence(subscriber.userId);
    }
  }

  /** How far things are. */
  private nothing(): Batch {
    const { conversationId } = this.options;
    return { conversationId, from: this.told, to: this.told, lines: [], notes: [] };
  }
}
