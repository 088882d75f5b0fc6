import type { Message } from "../../domain/message.ts";
import type { Sent } from "../decide/types.ts";
import { insertMessages, messageSentAs, messagesSentAs } from "../tables/messages.ts";

/** A sender and one of their keys. */
export type SenderKey = readonly [senderId: string, clientMessageId: string];

/**
 * The messages that a group sends. Their rows are deferred and written together, and earlier sends
 * under their keys are looked up together, or assumed not to exist: inserting a row under a used key
 * throws.
 */
export class NewMessages {
  private readonly sql: SqlStorage;
  private unwritten: Sent[] = [];
  /** By sender and key: what was sent under it, as far as it was looked up. */
  private readonly known = new Map<string, Sent | undefined>();

  constructor(sql: SqlStorage) {
    this.sql = sql;
  }

  /** Looks up earlier sends under several keys at once. */
  lookUp(keys: readonly SenderKey[]): void {
    for (const key of keys) this.known.set(nameOf(key), undefined);
    for (const sent of messagesSentAs(this.sql, keys)) this.remember(sent);
  }

  /** Assumes that nothing was sent under some keys before this group. */
  assumeNew(keys: readonly SenderKey[]): void {
    for (const key of keys) this.known.set(nameOf(key), undefined);
  }

  /** The send under a key, by this group or before it. */
  sentAs(senderId: string, clientMessageId: string): Sent | undefined {
    const name = nameOf([senderId, clientMessageId]);
    if (this.known.has(name)) return this.known.get(name);
    this.write();
    return messageSentAs(this.sql, senderId, clientMessageId);
  }

  /** Defers a row until `write`. */
  defer(sent: Sent): void {
    this.unwritten.push(sent);
  }

  /** Writes the deferred rows. Call it before anything else reads or writes messages. */
  write(): void {
    if (this.unwritten.length === 0) return;
    insertMessages(this.sql, this.unwritten);
    this.unwritten = [];
  }

  remember(sent: Sent): void {
    const key = keyOf(sent.message);
    if (key) this.known.set(nameOf(key), sent);
  }

  /** Drops a changed message from the lookups. */
  invalidate(message: Message): void {
    const key = keyOf(message);
    if (key) this.known.delete(nameOf(key));
  }
}

function keyOf({ senderId, clientMessageId }: Message): SenderKey | undefined {
  return senderId === null || clientMessageId === null ? undefined : [senderId, clientMessageId];
}

/** A unique key for a pair. */
const nameOf = ([senderId, key]: SenderKey) => `${senderId.length} ${senderId}${key}`;
