import { backoffMs } from "../conversation/outbound/backoff.ts";
import type { InboxRow } from "../live/inbox-events.ts";
import { log } from "../logging.ts";
import {
  createPending,
  deletePending,
  hasPendingTable,
  insertPending,
  pendingConversations,
} from "./pending.ts";
import { Rearming, type RearmingOptions } from "./rearming.ts";

export interface PendingConversationsOptions extends Pick<RearmingOptions, "userId" | "ask"> {
  sql: SqlStorage;
  /** A conversation has answered with its newest row; whether somebody was shown it. */
  onRow: (row: InboxRow) => boolean;
  /** Asking has failed, and is to be repeated at a time. */
  retryAt: (time: number) => void;
}

/**
 * Conversations that have to be asked once somebody is connected, because they have stopped calling; and
 * the asking, which has them call again.
 */
export class PendingConversations {
  private readonly options: PendingConversationsOptions;
  private readonly rearming: Rearming;
  private isCreated: boolean;
  private failures = 0;
  /** Those that could not be asked, until the next {@link retry}: also while nobody is connected. */
  private readonly unreached = new Set<string>();

  constructor(options: PendingConversationsOptions) {
    this.options = options;
    this.isCreated = hasPendingTable(options.sql);
    this.rearming = new Rearming({
      ...options,
      onArmed: (conversationId, row) => this.armed(conversationId, row),
      onFailure: (conversationId, error) => this.failed(conversationId, error),
    });
  }

  /** Stores that a conversation has to be asked. */
  remember(conversationId: string): void {
    const { sql } = this.options;
    if (!this.isCreated) createPending(sql);
    this.isCreated = true;
    insertPending(sql, conversationId);
  }

  /** A conversation is not asked any more: there is none. */
  forget(conversationId: string): void {
    this.unreached.delete(conversationId);
    if (this.isCreated) deletePending(this.options.sql, conversationId);
  }

  /** Asks all that are stored. */
  askAll(): void {
    if (this.isCreated) this.rearming.add(pendingConversations(this.options.sql));
  }

  /** Asks these, stored or not. */
  ask(conversationIds: Iterable<string>): void {
    this.rearming.add(conversationIds);
  }

  /** Asks once more those that could not be asked. */
  retry(): void {
    this.rearming.add(this.unreached);
    this.unreached.clear();
  }

  /** A conversation could not be asked, or its row not be shown: it is asked again. */
  failed(conversationId: string, error: unknown): void {
    log("rearm_failed", { conversationId, error });
    this.unreached.add(conversationId);
    this.remember(conversationId);
    this.failures++;
    this.options.retryAt(Date.now() + backoffMs(this.failures));
  }

  private armed(conversationId: string, row: InboxRow | undefined): void {
    this.failures = 0;
    if (row && !this.options.onRow(row)) return;
    if (this.isCreated) deletePending(this.options.sql, conversationId);
  }
}
