import { rootOf } from "../logging.ts";

/**
 * How the platform marks the error of a call that failed of itself
 * (https://developers.cloudflare.com/durable-objects/best-practices/error-handling/). `durableObjectReset`
 * is what an object gives that was started anew in the midst of the call or, to a stub of before, since.
 */
interface Flags {
  retryable?: boolean;
  overloaded?: boolean;
  durableObjectReset?: boolean;
}

/** Whether asking a fresh stub once more may help. Never when the object is overloaded. */
export function isRetryable(error: unknown): boolean {
  const { retryable, overloaded, durableObjectReset } = error as Flags;
  return (retryable === true || durableObjectReset === true) && overloaded !== true;
}

/** D1 or an object that cannot answer now, rather than a bug of ours. */
export function isTransient(error: unknown): boolean {
  const root = rootOf(error);
  if (!(root instanceof Error)) return false;
  const { overloaded } = root as Flags;
  return isRetryable(root) || overloaded === true || root.message.startsWith("D1_");
}
