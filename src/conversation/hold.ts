import type { Directory } from "../directory/directory.ts";
import { heldAmong } from "../directory/legal-holds.ts";
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

/**
 * Takes the legal holds on people who have entered, as D1 has them. A hold that is placed at the same time is either
 * found here, or its job finds them in the conversation.
 */
export async function lookUpHolds(
  open: OpenConversation,
  directory: Directory,
  userIds: readonly string[],
): Promise<void> {
  for (const userId of await heldAmong(directory, userIds)) {
    if (isHeldFor(open.sql, userId)) continue;
    // Not waited for: the projection does not wait for a commit that is behind it.
    void open.submitAll(RETAINING, [{ type: "hold", subject: userId, standing: true }]);
  }
}
