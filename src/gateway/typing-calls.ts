import type { Result } from "../domain/error.ts";
import { TYPING_EVERY_MS } from "./limits.ts";

interface TypingCall {
  calledAt: number;
  answer: Promise<Result<null>>;
}

/** Calls that are remembered at most: a connection makes no more in the time that they matter. */
const MAX_CALLS = 128;

/**
 * How a connection says that its person types: within {@link TYPING_EVERY_MS} a conversation is told at
 * most once that they do, and once that they do not. Who says it again is answered the same.
 */
export class TypingCalls {
  private readonly calls = new Map<string, TypingCall>();

  /** Makes a call unless it was made just now; one that failed of itself is made again. */
  unlessRepeated(
    conversationId: string,
    active: boolean,
    now: number,
    call: () => Promise<Result<null>>,
  ): Promise<Result<null>> {
    const key = `${conversationId} ${active}`;
    const known = this.calls.get(key);
    const since = known ? now - known.calledAt : TYPING_EVERY_MS;
    // A clock that was set back does not silence anybody.
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
