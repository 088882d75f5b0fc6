import { isOver, type Notifying } from "../domain/notifying.ts";
import {
  createNotifying,
  deleteNotifying,
  hasNotifying,
  putNotifying,
  readNotifying,
} from "./tables.ts";

/** The states of a user's notifications, by conversation; stored from the first one on. */
export class States {
  private readonly sql: SqlStorage;
  private readonly clock: () => number;
  private readonly byConversation: Map<string, Notifying>;
  private isCreated: boolean;

  constructor(sql: SqlStorage, clock: () => number) {
    this.sql = sql;
    this.clock = clock;
    this.isCreated = hasNotifying(sql);
    const stored = this.isCreated ? readNotifying(sql) : [];
    this.byConversation = new Map(stored.map((state) => [state.conversationId, state]));
  }

  of(conversationId: string): Notifying | undefined {
    return this.byConversation.get(conversationId);
  }

  /** All of them, as of now. */
  all(): Notifying[] {
    return [...this.byConversation.values()];
  }

  /** Keeps a state in memory alone: after a crash the stored one counts. */
  remember(state: Notifying): void {
    this.byConversation.set(state.conversationId, state);
  }

  /** Stores a state: one row, where it is another than before or only remembered (`isUnstored`). */
  put(state: Notifying, isUnstored = false): void {
    const { conversationId } = state;
    const before = this.of(conversationId);
    if (before === state && !isUnstored) return;
    if (isOver(state, this.clock())) {
      this.delete(conversationId);
      return;
    }
    this.create();
    putNotifying(this.sql, state);
    this.remember(state);
  }

  /** Deletes what does not matter any more. */
  prune(): void {
    for (const state of this.all()) {
      if (isOver(state, this.clock())) this.delete(state.conversationId);
    }
  }

  private delete(conversationId: string): void {
    if (!this.byConversation.delete(conversationId)) return;
    deleteNotifying(this.sql, conversationId);
  }

  private create(): void {
    if (this.isCreated) return;
    createNotifying(this.sql);
    this.isCreated = true;
  }
}
