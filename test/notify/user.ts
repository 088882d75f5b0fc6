import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import {
  NOTIFICATION_TTL_MS,
  type Notification,
  type NotificationRead,
} from "../../src/domain/notification.ts";
import { Deliveries } from "../../src/notify/deliveries.ts";
import type { Receiver } from "../../src/notify/receiver.ts";
import { someone } from "../support.ts";
import { notificationOf } from "./notifications.ts";

const EPOCH = "e1";

/**
 * A user whose deliveries are kept in the storage of a real object, with a clock and an alarm that the test
 * moves. The test says which message of each conversation is the newest unread one.
 */
export class NotifiedUser {
  readonly userId = someone("notified");
  now = Date.UTC(2026, 10, 28, 12);
  alarmAt = Number.POSITIVE_INFINITY;
  /** What was logged. */
  readonly failures: Record<string, unknown>[] = [];
  /** The rechecks that were made. */
  readonly rechecks: { conversationId: string; id: string; epoch: string; afterRev: number }[] = [];
  /** The newest unread message of each conversation that has one. */
  readonly unread = new Map<string, { rev: number; text: string }>();
  /** Whether conversations can be asked. */
  isAskable = true;
  /** Whether a newer notification of every conversation is about to be delivered. */
  isBusy = false;
  receivers: readonly Receiver[];
  private deliveries: Deliveries | undefined;
  private sent = 0;

  constructor(receivers: readonly Receiver[]) {
    this.receivers = receivers;
  }

  /** A message comes and is due: the id of its notification. */
  async notified(conversationId: string, text = `text of ${conversationId}`): Promise<string> {
    const rev = (this.unread.get(conversationId)?.rev ?? this.sent * 10) + 1;
    this.unread.set(conversationId, { rev, text });
    const id = `${this.userId}-${++this.sent}`;
    await this.deliver(id, conversationId, rev - 1);
    return id;
  }

  deliver(id: string, conversationId: string, afterRev: number): Promise<void> {
    const notification = this.composed(conversationId, id);
    if (!notification) throw new Error("nothing is unread");
    return this.in((deliveries) =>
      deliveries.deliver(notification, { epoch: EPOCH, rev: afterRev }),
    );
  }

  /** Everything of a conversation is read. */
  async reads(conversationId: string): Promise<string> {
    this.unread.delete(conversationId);
    const id = `${this.userId}-read-${++this.sent}`;
    const read: NotificationRead = { id, userId: this.userId, conversationId, total: 0 };
    await this.in((deliveries) => deliveries.read(read));
    return id;
  }

  /** Has every alarm fire that is due until a time, each in an object that was evicted before. */
  async pass(milliseconds: number, { evict = true } = {}): Promise<void> {
    const until = this.now + milliseconds;
    while (this.alarmAt <= until) {
      this.now = Math.max(this.now, this.alarmAt);
      this.alarmAt = Number.POSITIVE_INFINITY;
      if (evict) await this.evict();
      await this.in((deliveries) => deliveries.check());
    }
    this.now = until;
  }

  /** The object is removed from memory; that it can be shows that nothing is pending in it. */
  async evict(): Promise<void> {
    this.deliveries = undefined;
    await runInDurableObject(this.stub, () => undefined);
    await evictDurableObject(this.stub);
  }

  /** The object ends at once, whatever it is doing. */
  async crash(): Promise<void> {
    this.deliveries = undefined;
    const crash = runInDurableObject(this.stub, (_, context) => context.abort("test"));
    await crash.catch(() => undefined);
  }

  /** A fresh one each time: one of an object that has crashed is broken. */
  private get stub() {
    return env.INBOXES.getByName(this.userId);
  }

  /** Calls the deliveries within the object. */
  in<T>(call: (deliveries: Deliveries) => T | Promise<T>): Promise<T> {
    return runInDurableObject(this.stub, (_, { storage }) => {
      this.deliveries ??= this.created(storage.sql);
      return call(this.deliveries);
    });
  }

  /** The rows of a table; none where there is no table. */
  rows(table: "deliveries" | "delivery_receivers"): Promise<Record<string, SqlStorageValue>[]> {
    return runInDurableObject(this.stub, (_, { storage: { sql } }) => {
      const exists = sql.exec("SELECT 1 FROM sqlite_master WHERE name = ?", table).toArray();
      return exists.length > 0 ? sql.exec(`SELECT * FROM ${table}`).toArray() : [];
    });
  }

  /** What a conversation says now; `undefined`: nothing is unread. */
  composed(conversationId: string, id: string): Notification | undefined {
    const newest = this.unread.get(conversationId);
    if (!newest) return undefined;
    const { message, ...rest } = notificationOf({ conversationId });
    const said = message && {
      ...message,
      text: newest.text,
      id: `${conversationId}-${newest.rev}`,
    };
    const expiresAt = this.now + NOTIFICATION_TTL_MS;
    return { ...rest, id, userId: this.userId, message: said, expiresAt };
  }

  private created(sql: SqlStorage): Deliveries {
    return new Deliveries({
      ...{ sql, userId: this.userId, clock: () => this.now, random: () => 0 },
      receivers: () => this.receivers,
      compose: async (conversationId, pending) => {
        this.rechecks.push({ conversationId, ...pending });
        if (!this.isAskable) throw new Error("unreachable conversation");
        return this.isBusy ? "later" : this.composed(conversationId, pending.id);
      },
      callAt: (time) => {
        this.alarmAt = Math.min(this.alarmAt, time);
      },
      onFailure: (fields) => this.failures.push(fields),
    });
  }
}
