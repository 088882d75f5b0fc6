import type { Context } from "hono";
import { sharingWith } from "../directory/sharing.ts";
import type { EdgeEnv } from "./context.ts";

/**
 * Those among some people who have to accept before the caller's first message or addition counts as one of
 * somebody they know: with `CONTACTS=requests`, all with whom the caller shares no conversation that both have
 * accepted. Staff needs nobody's acceptance.
 */
export async function strangersAmong(
  c: Context<EdgeEnv>,
  userIds: readonly string[],
): Promise<Set<string>> {
  const { userId, role } = c.get("actor");
  const others = userIds.filter((other) => other !== userId);
  if (c.get("settings").CONTACTS === "open" || role !== "user" || others.length === 0) {
    return new Set();
  }
  const shared = await sharingWith(c.get("directory"), userId, others);
  return new Set(others.filter((other) => !shared.has(other)));
}
