import type { Context } from "hono";
import type { EdgeEnv } from "../edge/context.ts";
import { log } from "../logging.ts";

/** Logs that an admin was told of a user or a conversation: who, what and of whom. */
export function logRead(
  c: Context<EdgeEnv>,
  what: string,
  about: { targetId?: string; conversationId?: string },
): void {
  log("admin_read", {
    requestId: c.get("requestId"),
    userId: c.get("actor").userId,
    what,
    ...about,
  });
}
