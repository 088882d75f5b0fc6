import { type Hides, receiptsShownTo } from "../../../domain/hides.ts";
import { memberOf } from "../../tables/members.ts";
import { deleteSubscriber, putSubscriber, subscribers } from "../../tables/subscribers.ts";
import { backoffMs } from "../backoff.ts";
import type { Broadcast, Departure } from "../broadcast.ts";
import type { Consumer, PushedCommit } from "../consumer.ts";
import type { EventLines, Reader } from "../event-lines.ts";
import { type Delivery, DeliveryRounds } from "./delivery-rounds.ts";
import type { Batch, Note, Subscriber, SubscriberProtocol, SubscriberStub } from "./gateway-api.ts";
import { readerOf } from "./inbox-address.ts";
import { notesOf } from "./notes.ts";
import { SubscriberCalls } from "./subscriber-calls.ts";
import { SubscriberList } from "./subscriber-list.ts";

export interface SubscribersOptions {
  sql: SqlStorage;
  conversationId: string;
  /** The newest revision. */
  rev: () => number;
  /** The revision with which the epoch began; 0: that of the creation. */
  beganAt: number;
  /** Whom a reader hides. */
  hidesOf: (userId: string) => Hides;
  stubOf: (protocol: SubscriberProtocol, gateway: string) => SubscriberStub;
  /** The first gateway of a user was added, or the last one removed. */
  onPresence: (userId: string) => void;
  onFailure: (error: unknown) => void;
  /** Has {@link Subscribers.catchUp} called so many milliseconds from now, or sooner. */
  retryWithin: (milliseconds: number) => void;
}

/**
 * The gateways that are subscribed to a conversation. They are stored in a table that is read when the
 * object wakes, and written only when one is added or removed: messages cost no row. Each gateway keeps a
 * separate cursor, and finds a gap by the revision range of the next batch. Nothing waits for a gateway;
 * one that answers that it is not subscribed is removed.
 */
export class Subscribers implements Consumer {
  readonly name = "gateways";
  readonly stage = "live";
  private readonly options: SubscribersOptions;
  private readonly calls: SubscriberCalls;
  private readonly rounds: DeliveryRounds;
  private readonly list: SubscriberList;
  private readonly epoch: Pick<Batch, "beganAt">;
  /** Gateways of people who left, until they have taken their last batch. */
  private readonly leaving = new Map<string, { subscriber: Subscriber; last: Batch }>();
  /**
   * Gateways that were sent no batch since the object woke, or since a delivery failed: there may be one
   * that they missed.
   */
  private readonly unsynced = new Set<string>();
  /** The revision of the last batch: where a commit had no event, it is behind the cursor. */
  private batchRev: number;
  /** By gateway: the revision of the last batch that it alone was sent, with an event of its person's own. */
  private readonly ownRevs = new Map<string, number>();
  private deliveredRev: number;

  constructor(options: SubscribersOptions) {
    this.options = options;
    this.calls = new SubscriberCalls(options.stubOf, options.onFailure);
    this.list = new SubscriberList(options.onPresence);
    this.epoch = epochOf(options.beganAt);
    this.rounds = new DeliveryRounds((delivery) => this.send(delivery), Date.now);
    this.deliveredRev = options.rev();
    this.batchRev = this.deliveredRev;
    this.load();
  }

  get cursor(): number {
    return this.deliveredRev;
  }

  /** Whether a member is online by a gateway. */
  has(userId: string): boolean {
    return this.list.has(userId);
  }

  /** Whether others may see that a member is online by a gateway. */
  isShown(userId: string): boolean {
    return this.list.isVisible(userId);
  }

  /** Others may see from now on that a person is online by gateways, or not any more. */
  setVisible(userId: string, visible: boolean): void {
    for (const subscriber of this.ofUser(userId)) {
      if (subscriber.visible === visible) continue;
      // The same entry: calls to it that are under way find it unchanged.
      subscriber.visible = visible;
      putSubscriber(this.options.sql, subscriber);
    }
  }

  /** Members who are online by gateways. */
  userIds(): string[] {
    return this.list.userIds();
  }

  isSubscribed(gateway: string): boolean {
    return this.list.get(gateway) !== undefined;
  }

  /** The revision of the last batch that a gateway is sent: up to it, events come. */
  sentTo(gateway: string): number {
    return Math.max(this.batchRev, this.ownRevs.get(gateway) ?? 0);
  }

  /** A person's gateways. */
  ofUser(userId: string): Subscriber[] {
    return this.list.ofUser(userId);
  }

  add(subscriber: Subscriber): void {
    putSubscriber(this.options.sql, subscriber);
    this.leaving.delete(subscriber.gateway);
    this.unsynced.delete(subscriber.gateway);
    this.list.add(subscriber);
  }

  remove(gateway: string): void {
    const subscriber = this.list.get(gateway);
    if (!subscriber && !this.leaving.has(gateway)) return;
    deleteSubscriber(this.options.sql, gateway);
    this.leaving.delete(gateway);
    this.unsynced.delete(gateway);
    this.ownRevs.delete(gateway);
    this.calls.remove(gateway);
    this.rounds.remove(gateway);
    if (subscriber) this.list.remove(subscriber);
  }

  /** Removes a person's gateways, and has each leave the conversation, if it can be reached. */
  evict(userId: string): void {
    for (const subscriber of this.ofUser(userId)) {
      const last: Batch = { ...this.emptyBatch(this.sentTo(subscriber.gateway)), last: true };
      this.remove(subscriber.gateway);
      void this.calls.ask(subscriber, "deliver", last).then(() => {
        if (!this.isSubscribed(subscriber.gateway)) this.calls.remove(subscriber.gateway);
      });
    }
  }

  /**
   * Tells every gateway of an epoch that is about to begin, so that its client connects again; those that could not
   * be told.
   */
  async announceEpoch(beganAt: number): Promise<Subscriber[]> {
    const batch: Batch = { ...this.emptyBatch(beganAt), beganAt };
    const told = await Promise.all(
      this.list.all().map(async (subscriber) => {
        const answer = await this.calls.ask(subscriber, "deliver", batch);
        return answer === undefined ? subscriber : [];
      }),
    );
    return told.flat();
  }

  /** Removes those of a person's gateways that are no longer subscribed. */
  async evictStale(userId: string): Promise<void> {
    const { conversationId } = this.options;
    await Promise.all(
      this.ofUser(userId).map((one) => this.call(one, "isSubscribed", conversationId)),
    );
  }

  deliver(commit: PushedCommit): void {
    if (commit.from !== this.cursor) this.resync(commit.from);
    const { events, large, departures, arrivals, ownEvents, shownAnew } = commit.broadcast();
    const notes = () => notesOf(this.options.sql, commit.changes, large);
    this.committed(events, notes, departures, commit.to, ownEvents, shownAnew);
    for (const userId of arrivals) this.joined(userId);
    this.deliveredRev = commit.to;
  }

  /** Sends the events of a commit to every gateway; to those of people who left in it, for the last time. */
  committed(
    events: EventLines,
    notes: () => Note[],
    departures: readonly Departure[],
    rev: number,
    ownEvents: Broadcast["ownEvents"] = [],
    shownAnew: ReadonlySet<string> = new Set(),
  ): void {
    // A commit without events calls no gateway: in a large conversation that is every read.
    if (events.length === 0) {
      this.sendOwn(ownEvents, rev);
      this.showAnew(shownAnew, rev);
      return;
    }
    const before = this.batchRev;
    this.batchRev = rev;
    if (this.list.size === 0) return;
    const { conversationId } = this.options;
    const batch = { conversationId, to: rev, notes: notes(), ...this.epoch };
    const from = (gateway: string) => Math.max(before, this.ownRevs.get(gateway) ?? 0);
    const deliveries: Delivery[] = [];
    for (const { userId, eventCount } of departures) {
      for (const subscriber of this.ofUser(userId)) {
        const lines = events.for(this.readerOf(subscriber), eventCount);
        const mine = { ...batch, notes: this.notesFor(subscriber, batch.notes) };
        const last: Batch = { ...mine, from: from(subscriber.gateway), lines, last: true };
        this.startLeaving(subscriber, last);
        deliveries.push({ type: "batch", subscriber, batch: last });
      }
    }
    for (const subscriber of this.list.all()) {
      if (isInboxOf(subscriber, shownAnew)) continue;
      const own = ownLines(ownEvents, subscriber);
      const common = events.for(this.readerOf(subscriber));
      const lines = own.length > 0 ? [...common, ...own] : common;
      const notes = this.notesFor(subscriber, batch.notes);
      const mine = { ...batch, from: from(subscriber.gateway), lines, notes };
      deliveries.push({ type: "batch", subscriber, batch: mine });
    }
    this.rounds.add(deliveries);
    this.showAnew(shownAnew, rev);
  }

  /** Has the inboxes of people whose blocks have changed ask for everything anew: they find a gap. */
  private showAnew(userIds: ReadonlySet<string>, rev: number): void {
    if (userIds.size === 0) return;
    const { conversationId } = this.options;
    const deliveries = this.list.all().flatMap((subscriber): Delivery[] => {
      if (!isInboxOf(subscriber, userIds)) return [];
      this.ownRevs.set(subscriber.gateway, rev);
      const batch = { conversationId, from: rev, to: rev, lines: [], notes: [], ...this.epoch };
      return [{ type: "batch", subscriber, batch }];
    });
    if (deliveries.length > 0) this.rounds.add(deliveries);
  }

  private readerOf(subscriber: Subscriber): Reader {
    return { ...readerOf(subscriber), hides: this.options.hidesOf(subscriber.userId) };
  }

  private notesFor({ userId }: Subscriber, notes: Note[]): Note[] {
    const hides = this.options.hidesOf(userId);
    if (hides.size === 0) return notes;
    return notes.map(({ readers, ...note }) =>
      readers ? { ...note, readers: [...receiptsShownTo(readers, hides)] } : note,
    );
  }

  /** Sends people's own events to their inboxes, in batches that the others do not get. */
  private sendOwn(ownEvents: Broadcast["ownEvents"], rev: number): void {
    if (ownEvents.length === 0 || this.list.size === 0) return;
    const { conversationId } = this.options;
    const deliveries = this.list.all().flatMap((subscriber): Delivery[] => {
      const lines = ownLines(ownEvents, subscriber);
      if (lines.length === 0) return [];
      const from = this.sentTo(subscriber.gateway);
      this.ownRevs.set(subscriber.gateway, rev);
      const batch = { conversationId, from, to: rev, lines, notes: [], ...this.epoch };
      return [{ type: "batch", subscriber, batch }];
    });
    if (deliveries.length > 0) this.rounds.add(deliveries);
  }

  /**
   * Calls the gateways that missed a batch, or may have: an empty batch shows them the gap, or that their
   * person was removed. Those that cannot be reached are retried with their own backoff: an object
   * can be reached in the end, and answers if it is not subscribed.
   */
  async catchUp(): Promise<void> {
    const { rev, retryWithin } = this.options;
    if (this.cursor !== rev()) this.resync(rev());
    const everyone = [
      ...this.list.all().map((subscriber) => {
        return { subscriber, batch: this.emptyBatch(this.sentTo(subscriber.gateway)) };
      }),
      ...[...this.leaving.values()].map(({ subscriber, last }) => ({ subscriber, batch: last })),
    ];
    await Promise.all(
      everyone.map(async ({ subscriber, batch }) => {
        const { gateway } = subscriber;
        const wasBehind = this.calls.isBehind(gateway);
        if (!wasBehind && !this.unsynced.has(gateway)) return;
        await this.call(subscriber, "deliver", batch);
        if (wasBehind && this.calls.isBehind(gateway)) this.calls.missedAgain(gateway);
      }),
    );
    const { retryInMs } = this.calls;
    if (retryInMs !== undefined) retryWithin(retryInMs);
  }

  /** Sends an event of a person that has no revision to the gateways of those others whom it is for. */
  deliverEphemeral(line: string, userId: string, isFor: (reader: string) => boolean): void {
    for (const subscriber of this.list.all()) {
      if (subscriber.userId === userId || !isFor(subscriber.userId)) continue;
      this.rounds.addEphemeral(subscriber, line);
    }
  }

  /** Sends an event without a revision to one person's gateways. */
  deliverTo(userId: string, line: string): void {
    for (const subscriber of this.ofUser(userId)) this.rounds.addEphemeral(subscriber, line);
  }

  private send(delivery: Delivery): Promise<void> {
    const { conversationId } = this.options;
    if (delivery.type === "batch" && delivery.batch.last) {
      return this.call(delivery.subscriber, "deliver", delivery.batch);
    }
    // It may have become a member's while the delivery waited.
    const subscriber = this.list.get(delivery.subscriber.gateway) ?? delivery.subscriber;
    return delivery.type === "batch"
      ? this.call(subscriber, "deliver", delivery.batch)
      : this.call(subscriber, "deliverEphemeral", conversationId, delivery.line);
  }

  /**
   * Calls a gateway, and removes one that is not subscribed. One that cannot be reached stays: it finds
   * the gap in the next batch, or in a retry.
   */
  private async call<Name extends keyof SubscriberStub>(
    subscriber: Subscriber,
    name: Name,
    ...parameters: Parameters<SubscriberStub[Name]>
  ): Promise<void> {
    const { gateway } = subscriber;
    if (name === "deliver") this.unsynced.delete(gateway);
    const answer = await this.calls.ask(subscriber, name, ...parameters);
    // It may have been replaced meanwhile by another entry of the same name.
    const stays = this.list.get(gateway) === subscriber;
    const leaves = this.leaving.get(gateway)?.subscriber === subscriber;
    if (!stays && !leaves) return;
    if (name === "deliver") this.note(gateway, answer !== undefined);
    const [batch] = parameters;
    const isLast = typeof batch === "object" && batch.last === true;
    if (leaves ? isLast && answer !== undefined : answer === false) this.remove(gateway);
  }

  private note(gateway: string, isDelivered: boolean): void {
    if (isDelivered) this.calls.delivered(gateway);
    else if (!this.calls.isBehind(gateway)) {
      this.calls.missed(gateway);
      this.options.retryWithin(backoffMs(1));
    }
  }

  /** Reads the table: what is not known of it yet, and who has left or joined since it was. */
  private load(): void {
    for (const { subscriber: stored, left } of subscribers(this.options.sql)) {
      const subscriber = this.list.get(stored.gateway) ?? stored;
      if (!left) this.list.restore(subscriber);
      else if (!this.leaving.has(stored.gateway)) {
        this.startLeaving(subscriber, { ...this.emptyBatch(), last: true });
      }
      this.unsynced.add(stored.gateway);
    }
  }

  /** A commit was not delivered: gateways find the gap, and memory what the commit changed of them. */
  private resync(rev: number): void {
    this.batchRev = rev;
    this.deliveredRev = rev;
    this.load();
    const { sql } = this.options;
    for (const { userId, counted } of this.list.all()) {
      if (!counted && memberOf(sql, userId)?.leftAt === null) this.joined(userId);
    }
  }

  /** A user is a member now: staff who are subscribed already are online by that from now on. */
  private joined(userId: string): void {
    for (const subscriber of this.ofUser(userId)) {
      if (!subscriber.counted) this.add({ ...subscriber, counted: true });
    }
  }

  private startLeaving(subscriber: Subscriber, last: Batch): void {
    this.leaving.set(subscriber.gateway, { subscriber, last });
    this.list.remove(subscriber);
  }

  /** A batch without events, which shows a gateway the current revision. */
  private emptyBatch(rev = this.batchRev): Batch {
    return {
      conversationId: this.options.conversationId,
      ...{ from: rev, to: rev, lines: [], notes: [], ...this.epoch },
    };
  }
}

/** What batches and answers say of the epoch: nothing of that of the creation. */
export function epochOf(beganAt: number): Pick<Batch, "beganAt"> {
  return beganAt > 0 ? { beganAt } : {};
}

function isInboxOf({ protocol, userId }: Subscriber, userIds: ReadonlySet<string>): boolean {
  return protocol === "inbox" && userIds.has(userId);
}

/** The events of a commit that are for a person's own connections, where these are an inbox's. */
function ownLines(ownEvents: Broadcast["ownEvents"], { protocol, userId }: Subscriber): string[] {
  if (protocol !== "inbox") return [];
  return ownEvents.flatMap((own) => (own.userId === userId ? own.line : []));
}
