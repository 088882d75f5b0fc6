import type { Result } from "../domain/error.ts";
import { TYPING_EVERY_MS } from "./limits.ts";

interface TypingCall {
  calledAt: number;
  answer: Promise<Result<null>>;
}

/** Calls that are kept at most: a connection makes no more within {@link TYPING_EVERY_MS}. */
const MAX_CALLS = 128;

/**
 * The calls by which a connection reports that its person types: within {@link TYPING_EVERY_MS} at most one
 * that they do and one that they stopped. A repetition gets the same answer.
 */
export class TypingCalls {
  private readonly calls = new Map<string, TypingCall>();

  /** Makes a call unless it was made just now; one that threw is made again. */
  unlessRepeated(
    conversationId: string,
    active: boolean,
    now: number,
    call: () => Promise<Result<null>>,
  ): Promise<Result<null>> {
    const key = `${conversationId} ${active}`;
    const known = this.calls.get(key);
    const since = known ? now - known.calledAt : TYPING_EVERY_MS;
    // If the clock was set back, the call is made.
    if (known && since >= 0 && since < TYPING_EVERY_MS) return known.answer;
    const made: TypingCall = { calledAt: now, answer: call() };
    this.calls.delete(key);
    this.calls.set(key, made);
    const [oldest] = this.calls.keys();
    if (this.calls.size > MAX_CALLS && oldest !== undefined) this.calls.delete(oldest);
    made.answer.catch(() => {
      if (this.calls.get(key) === made) this.calls.delete(key);
    });
    return made.answer;
  }
}
