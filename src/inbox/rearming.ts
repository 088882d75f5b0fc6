import type { ConversationStub } from "../conversation/api.ts";
import type { InboxRow } from "../live/inbox-events.ts";

/** Conversations that are asked at the same time. */
const CONCURRENT = 20;

export interface RearmingOptions {
  userId: string;
  /** Makes a call that may be made twice. */
  ask: <T>(conversationId: string, call: (stub: ConversationStub) => Promise<T>) => Promise<T>;
  /** A conversation calls the inbox from now on; its newest row, or `undefined` where there is none. */
  onArmed: (conversationId: string, row: InboxRow | undefined) => void;
  /** A conversation could not be reached. */
  onFailure: (conversationId: string, error: unknown) => void;
}

/** Has conversations call this inbox from now on, a few at a time. */
export class Rearming {
  private readonly options: RearmingOptions;
  private readonly waiting = new Set<string>();
  private running = 0;

  constructor(options: RearmingOptions) {
    this.options = options;
  }

  add(conversationIds: Iterable<string>): void {
    for (const id of conversationIds) this.waiting.add(id);
    this.next();
  }

  private next(): void {
    for (const id of this.waiting) {
      if (this.running >= CONCURRENT) return;
      this.waiting.delete(id);
      this.running++;
      void this.rearm(id).finally(() => {
        this.running--;
        this.next();
      });
    }
  }

  private async rearm(conversationId: string): Promise<void> {
    const { userId, ask, onArmed, onFailure } = this.options;
    try {
      onArmed(conversationId, await ask(conversationId, (stub) => stub.rearm(userId)));
    } catch (error) {
      onFailure(conversationId, error);
    }
  }
}
