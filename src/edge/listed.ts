import type { Context } from "hono";
import { isService } from "../domain/policy.ts";
import type { EdgeEnv } from "./context.ts";

/** An id that nobody has. */
const NOBODY = "";

/**
 * Whose conversations a caller is shown in lists: their own. A service's are nobody's, also where its id was a
 * person's before, or was added before it was known.
 */
export function listedFor(c: Context<EdgeEnv>): string {
  const actor = c.get("actor");
  return isService(actor) ? NOBODY : actor.userId;
}
