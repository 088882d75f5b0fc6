import { signal } from "@preact/signals";
import { complain } from "./notices.ts";

/** A change of a message that is in progress. */
interface Change {
  /** The new text of an edit. */
  content?: string;
}

/** Unconfirmed changes of messages; they may wait for a network. */
export class Changes {
  private readonly all = signal<ReadonlyMap<string, Change>>(new Map());

  get isEmpty(): boolean {
    return this.all.peek().size === 0;
  }

  of(messageId: string): Change | undefined {
    return this.all.value.get(messageId);
  }

  /** Shows a change until it is confirmed or refused; a refusal is shown as an error. */
  add(messageId: string, work: Promise<void>, change: Change = {}): void {
    this.all.value = new Map(this.all.peek()).set(messageId, change);
    const end = () => {
      if (this.all.peek().get(messageId) !== change) return;
      const all = new Map(this.all.peek());
      all.delete(messageId);
      this.all.value = all;
    };
    work.catch(complain).finally(end);
  }
}
