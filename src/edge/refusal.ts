import { type ChatError, chatError, type ErrorCode, type Result } from "../domain/error.ts";

/** An expected failure, thrown by a handler; the dialect's `onError` presents it. */
export class Refusal extends Error {
  readonly error: ChatError;

  constructor(error: ChatError) {
    super(error.code);
    this.error = error;
  }
}

/** Throws a failure by its code. */
export function refuse(code: ErrorCode, more: Partial<Omit<ChatError, "code">> = {}): never {
  throw new Refusal(chatError(code, more));
}

/** The value of a result; a failure is thrown as a {@link Refusal}. */
export function unwrapped<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Refusal(result.error);
}
