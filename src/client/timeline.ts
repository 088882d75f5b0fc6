import type { WireMessage } from "./received.ts";

/**
 * The loaded messages in order of their numbers and, after catching up, without a gap from the first to the
 * newest. Changes of earlier messages are ignored: loading those returns their present state.
 */
export class Timeline {
  /** In order of number. */
  readonly messages: WireMessage[] = [];
  /** The smallest number that is accepted. */
  first = 1;

  /** Clears the timeline; `first` is the smallest number that is accepted from now on. */
  startOver(first: number): void {
    this.messages.length = 0;
    this.first = first;
  }

  /** Accepts older messages, from this number on. */
  lower(first: number): void {
    this.first = Math.min(this.first, first);
  }

  /** Applies a message; false when it is not newer than the known one, or before the first. */
  put(message: WireMessage): boolean {
    if (message.number < this.first) return false;
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
    return message?.number === number ? message : undefined;
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
