import type { Directory } from "../directory/directory.ts";
import { heldAmong } from "../directory/legal-holds.ts";
import type { Command } from "./decide/types.ts";
import { isHeldFor } from "./tables/holds.ts";

/**
 * Takes the legal holds on people who have entered, as D1 has them. A hold that is placed at the same time is either
 * found here, or its job finds them in the conversation.
 */
export async function lookUpHolds(
  {
    sql,
    directory,
    submit,
  }: {
    sql: SqlStorage;
    directory: Directory;
    submit: (command: Command) => void;
  },
  userIds: readonly string[],
): Promise<void> {
  for (const subject of await heldAmong(directory, userIds)) {
    // Not waited for: the projection does not wait for a commit that is behind it.
    if (!isHeldFor(sql, subject)) submit({ type: "hold", subject, standing: true });
  }
}
