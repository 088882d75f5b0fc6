import { lacksMethod } from "../conversation/rpc-versions.ts";
import { refuse } from "../edge/refusal.ts";

/**
 * Handles the failure of a call of an inbox that may run the version before, for about a minute after a
 * deployment, and has no such method: `unavailable`.
 */
export function unlessPrevious(method: string): (error: unknown) => never {
  return (error) => {
    if (lacksMethod(error, method)) refuse("unavailable");
    throw error;
  };
}
