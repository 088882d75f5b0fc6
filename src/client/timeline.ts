import type { WireMessage } from "./received.ts";

/**
 * The loaded messages in order of their numbers and, after catching up, without a gap from the first to the
 * newest. Changes of messages that are not loaded are ignored: loading those returns their present state.
 */
export class Timeline {
  /** In order of number. */
  readonly messages: WireMessage[] = [];
  /** The smallest number that is accepted. */
  first = 1;
  /** Messages up to this number are gone, but pinned ones: below it there are gaps. */
  private purgedTo = 0;
  /** A part of the history before `first`, with a gap between. Its messages are kept up to date as these are. */
  earlier: Timeline | undefined;

  /** Clears the timeline; `first` is the smallest number that is accepted from now on. */
  startOver(first: number): void {
    this.messages.length = 0;
    this.first = first;
    this.earlier = undefined;
    this.purgedTo = 0;
  }

  /** Drops messages up to a number that are not among those that are kept. */
  purge(purgedTo: number, kept: ReadonlySet<number | undefined>): void {
    this.purgedTo = purgedTo;
    const isThere = ({ number }: WireMessage) => number > purgedTo || kept.has(number);
    this.messages.splice(0, Infinity, ...this.messages.filter(isThere));
    this.earlier?.purge(purgedTo, kept);
    if (this.earlier?.messages.length === 0) this.earlier = undefined;
    this.join();
  }

  /**
   * Adds a page of history, and returns what was new. One that would leave a gap adds nothing: the state may have
   * been reset since it was requested.
   */
  add(page: readonly WireMessage[]): WireMessage[] {
    const [oldest, newest] = [page[0], page.at(-1)];
    const last = this.messages.at(-1)?.number ?? Infinity;
    if (!oldest || !newest || oldest.number > last + 1) return [];
    if (!this.reaches(newest.number)) return [];
    this.first = Math.min(this.first, oldest.number);
    return page.filter((message) => this.put(message));
  }

  /** Makes a page of history the earlier part, or adds it where there is no gap between. */
  lookAt(page: readonly WireMessage[]): void {
    const [oldest] = page;
    if (!oldest) return;
    this.earlier = new Timeline();
    this.earlier.first = oldest.number;
    this.earlier.purgedTo = this.purgedTo;
    this.earlier.add(page);
    this.join();
  }

  /** Ends the earlier part when the gap behind it is closed: its messages are these then. */
  join(): void {
    const { earlier } = this;
    if (!earlier || !this.reaches(earlier.messages.at(-1)?.number ?? 0)) return;
    this.earlier = undefined;
    this.add(earlier.messages);
  }

  /** Applies a message; false when it is not newer than the known one, or not in a part that is loaded. */
  put(message: WireMessage): boolean {
    if (message.number < this.first) {
      const { earlier } = this;
      return earlier?.at(message.number) !== undefined && earlier.put(message);
    }
    const index = this.indexOf(message.number);
    const known = this.messages[index];
    if (known?.number !== message.number) {
      this.messages.splice(index, 0, message);
      return true;
    }
    if (known.rev >= message.rev) return false;
    this.messages[index] = message;
    return true;
  }

  /** The message with a number. */
  at(number: number): WireMessage | undefined {
    const message = this.messages[this.indexOf(number)];
    return message?.number === number ? message : this.earlier?.at(number);
  }

  /** Whether nothing is between a message and `first` that is still there. */
  private reaches(number: number): boolean {
    return Math.max(number, this.purgedTo) >= this.first - 1;
  }

  /** The index of a number, or where to insert it. Searches from the end, where new messages go. */
  private indexOf(number: number): number {
    let low = 0;
    let high = this.messages.length;
    if ((this.messages[high - 1]?.number ?? 0) < number) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.messages[middle]?.number ?? 0) < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
