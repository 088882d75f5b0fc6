import { signal } from "@preact/signals";
import { complain } from "./notices.ts";

/** Something that is being done with a message. */
interface Change {
  /** Its new text, if that is what changes. */
  content?: string;
}

/** What is being done with messages and is not confirmed yet: it may wait for a network. */
export class Changes {
  private readonly all = signal<ReadonlyMap<string, Change>>(new Map());

  of(messageId: string): Change | undefined {
    return this.all.value.get(messageId);
  }

  /** Shows a change until it is confirmed or refused; a refusal is told. */
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
