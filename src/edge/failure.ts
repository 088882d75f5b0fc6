import { RESTORING } from "../conversation/restoring.ts";
import { rootOf } from "../logging.ts";

/**
 * The platform's flags on errors of calls
 * (https://developers.cloudflare.com/durable-objects/best-practices/error-handling/).
 * `durableObjectReset`: the object restarted during the call, or since its stub was created.
 */
interface Flags {
  retryable?: boolean;
  overloaded?: boolean;
  durableObjectReset?: boolean;
}

/** Whether a retry with a new stub may help. Never when the object is overloaded. */
export function isRetryable(error: unknown): boolean {
  const { retryable, overloaded, durableObjectReset } = error as Flags;
  return (retryable === true || durableObjectReset === true) && overloaded !== true;
}

/** Whether D1 or an object is temporarily unavailable, as opposed to a bug. */
export function isTransient(error: unknown): boolean {
  const root = rootOf(error);
  if (!(root instanceof Error)) return false;
  const { overloaded } = root as Flags;
  const isTemporary = root.message.startsWith("D1_") || root.message.includes(RESTORING);
  return isRetryable(root) || overloaded === true || isTemporary;
}
