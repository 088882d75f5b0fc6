import { HEALTHY, type PendingDelivery, type ReceiverState } from "../domain/delivery.ts";
import {
  createDeliveryTables,
  deleteDeliveriesTo,
  deleteDelivery,
  deleteExpired,
  deleteReceiver,
  hasDeliveryTables,
  pendingFor,
  putDelivery,
  putReceiver,
  readDelivery,
  readReceivers,
  receiversWithPending,
} from "./delivery-tables.ts";

/** Deliveries that failed and the state of their receivers; the latter is also kept in memory. */
export class DeliveryStore {
  private readonly sql: SqlStorage;
  private readonly states: Map<string, ReceiverState>;
  private isCreated: boolean;

  constructor(sql: SqlStorage) {
    this.sql = sql;
    this.isCreated = hasDeliveryTables(sql);
    this.states = this.isCreated ? readReceivers(sql) : new Map();
  }

  state(receiver: string): ReceiverState {
    return this.states.get(receiver) ?? HEALTHY;
  }

  setState(receiver: string, state: ReceiverState): void {
    this.create();
    putReceiver(this.sql, receiver, state);
    this.states.set(receiver, state);
  }

  setHealthy(receiver: string): void {
    if (!this.states.delete(receiver)) return;
    deleteReceiver(this.sql, receiver);
  }

  stopped(): string[] {
    return [...this.states].filter(([, state]) => state.isStopped).map(([key]) => key);
  }

  get(receiver: string, conversationId: string): PendingDelivery | undefined {
    return this.isCreated ? readDelivery(this.sql, receiver, conversationId) : undefined;
  }

  put(delivery: PendingDelivery): void {
    this.create();
    putDelivery(this.sql, delivery);
  }

  remove(receiver: string, conversationId: string): void {
    if (this.isCreated) deleteDelivery(this.sql, receiver, conversationId);
  }

  /** Everything that waits for a receiver. */
  removeAll(receiver: string): void {
    if (this.isCreated) deleteDeliveriesTo(this.sql, receiver);
  }

  /** The conversations of what waits for a receiver, in the order in which it is to be sent. */
  pendingFor(receiver: string, limit: number): string[] {
    return this.isCreated ? pendingFor(this.sql, receiver, limit) : [];
  }

  receiversWithPending(): string[] {
    return this.isCreated ? receiversWithPending(this.sql) : [];
  }

  /** Deletes what is too old, and what belongs to receivers that are no more; how many were too old. */
  clean(now: number, receivers: ReadonlySet<string>): number {
    if (!this.isCreated) return 0;
    const expired = deleteExpired(this.sql, now);
    const known = new Set([...this.receiversWithPending(), ...this.states.keys()]);
    for (const receiver of known) {
      if (receivers.has(receiver)) continue;
      this.removeAll(receiver);
      this.setHealthy(receiver);
    }
    return expired;
  }

  private create(): void {
    if (this.isCreated) return;
    createDeliveryTables(this.sql);
    this.isCreated = true;
  }
}
