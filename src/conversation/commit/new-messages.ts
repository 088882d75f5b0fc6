import type { Message } from "../../domain/message.ts";
import type { Sent } from "../decide/types.ts";
import { insertMessages } from "../tables/insert-messages.ts";
import { messageSentAs, messagesSentAs } from "../tables/messages.ts";

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
  private assumesNewKeys = false;

  constructor(sql: SqlStorage) {
    this.sql = sql;
  }

  /** Looks up earlier sends under several keys at once. */
  lookUp(keys: readonly SenderKey[]): void {
    for (const key of keys) this.known.set(nameOf(key), undefined);
    for (const sent of messagesSentAs(this.sql, keys)) this.remember(sent);
  }

  /** Takes keys that are not looked up to be new from now on, those of this group's own sends included. */
  assumeNewKeys(): void {
    this.assumesNewKeys = true;
  }

  /** Looks up a key although it is assumed to be new; whether it was used. */
  isUsed(key: SenderKey): boolean {
    this.write();
    const sent = messageSentAs(this.sql, ...key);
    this.known.set(nameOf(key), sent);
    return sent !== undefined;
  }

  /** The send under a key, by this group or before it; `null`: of the system, which is always looked up. */
  sentAs(senderId: string | null, clientMessageId: string): Sent | undefined {
    if (senderId === null) {
      this.write();
      return messageSentAs(this.sql, null, clientMessageId);
    }
    const name = nameOf([senderId, clientMessageId]);
    if (this.known.has(name)) return this.known.get(name);
    if (this.assumesNewKeys) return undefined;
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
    if (this.assumesNewKeys) return;
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
