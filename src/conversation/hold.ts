import { RETAINING } from "./decide/purge.ts";
import type { OpenConversation } from "./open.ts";
import { isHeldFor } from "./tables/holds.ts";

/** Takes that a legal hold stands on a subject, or no longer; one that is known writes nothing. */
export async function hold(
  open: OpenConversation,
  subject: string,
  standing: boolean,
): Promise<boolean> {
  if (isHeldFor(open.sql, subject) === standing) return true;
  const [result] = await open.submitAll(RETAINING, [{ type: "hold", subject, standing }]);
  if (!result?.ok) throw new Error("a legal hold was not stored");
  // What was not removed because of it goes on.
  if (!standing) open.retention.check();
  return true;
}

/** Takes for how long an admin has messages kept. */
export async function retain(open: OpenConversation, days: number | null): Promise<boolean> {
  const [result] = await open.submitAll(RETAINING, [{ type: "retain", days }]);
  if (!result?.ok) throw new Error("the days of retention were not stored");
  return true;
}
