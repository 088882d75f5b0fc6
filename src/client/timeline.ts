import type { WireMessage } from "./received.ts";

/**
 * The messages that a client has, in order of their numbers and, once it has caught up, without a gap
 * from the first of them to the newest. What changes before the first is left out: whoever goes back
 * there is given its present state.
 */
export class Timeline {
  /** In order of number. */
  readonly messages: WireMessage[] = [];
  /** The smallest number that is taken. */
  first = 1;

  /** Forgets everything; `first` is the first number that is taken from now on. */
  startOver(first: number): void {
    this.messages.length = 0;
    this.first = first;
  }

  /** Older messages are coming, from this number on. */
  lower(first: number): void {
    this.first = Math.min(this.first, first);
  }

  /** Takes a message over; false when it is no newer than what is known, or before the first. */
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

  /** The message of a number. */
  at(number: number): WireMessage | undefined {
    const message = this.messages[this.indexOf(number)];
    return message?.number === number ? message : undefined;
  }

  /** Where a number is, or would be. New messages come last, so that the end is looked at first. */
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
