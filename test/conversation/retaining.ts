import { RETAINING } from "../../src/conversation/decide/purge.ts";
import { within } from "./searching.ts";

const DAY_MS = 24 * 60 * 60_000;

/** Has the messages up to a number be `days` older than they are; call it with rising numbers. */
export async function age(conversationId: string, to: number, days = 2): Promise<void> {
  const before = Date.now() - days * DAY_MS;
  await within(conversationId, ({ sql, recent }) => {
    sql.exec(
      "UPDATE messages SET created_at = ? WHERE number <= ? AND created_at > ?",
      before,
      to,
      before,
    );
    recent.follow([]);
  });
}

/** Removes what is due now; resolves to the number up to which messages are gone. */
export function removeDue(conversationId: string): Promise<number> {
  return within(conversationId, async ({ retention, memory }) => {
    await retention.run();
    return memory.conversation.purgedTo ?? 0;
  });
}

/** Removes the messages up to a number, whenever they were sent, in as many commits as it takes. */
export async function purge(conversationId: string, upTo: number): Promise<void> {
  await within(conversationId, async (open) => {
    while ((open.memory.conversation.purgedTo ?? 0) < upTo) {
      const [result] = await open.submitAll(RETAINING, [{ type: "purge", upTo }]);
      if (!result?.ok) throw new Error(`not removed: ${result?.error.code}`);
    }
  });
}

/** Has messages of a conversation be kept for so many days. */
export async function retain(conversationId: string, days: number | null): Promise<void> {
  await within(conversationId, (open) => open.submitAll(RETAINING, [{ type: "retain", days }]));
}
