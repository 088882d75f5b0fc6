import type { ParleyError } from "../../src/client/error.ts";

/** Whether a REST client retries after this error. */
export function isRetried({ code, status = 0 }: ParleyError): boolean {
  return code === "network" || code === "rate_limited" || status >= 500;
}
