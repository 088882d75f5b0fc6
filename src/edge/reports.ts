import type { Context } from "hono";
import { directoryOf } from "../directory/directory.ts";
import { addReport, reportBy } from "../directory/reports.ts";
import { type Expense, spend } from "../directory/spending.ts";
import type { ReportReason } from "../domain/report.ts";
import { log } from "../logging.ts";
import type { EdgeEnv } from "./context.ts";
import { ask } from "./conversations.ts";
import { isLimited } from "./limiter.ts";
import { refuse, unwrapped } from "./refusal.ts";

/** Reports that a person makes in any hour. */
const REPORTS_PER_HOUR = 20;
/** Reports of messages of one conversation in any hour. */
const REPORTS_PER_CONVERSATION = 100;

/**
 * Reports a message to staff, with what it and those before it say now. A message that the caller has
 * reported before is not reported again; the id is that of the first report.
 */
export async function report(
  c: Context<EdgeEnv>,
  conversationId: string,
  number: number,
  { reason, note }: { reason: ReportReason; note: string | undefined },
): Promise<{ id: string }> {
  const actor = c.get("actor");
  const snapshot = unwrapped(
    await ask(c, conversationId, (stub) => stub.reportedMessages(actor, number)),
  );
  const directory = directoryOf(c.env.DB);
  const key = { conversationId, number, reporterId: actor.userId };
  const earlier = await reportBy(directory, key);
  if (earlier !== undefined) return { id: earlier };
  if (isLimited(c)) {
    const own = { name: "reports_per_hour", amount: 1, limit: REPORTS_PER_HOUR };
    await spendFor(c, actor.userId, own);
    const inIt = { name: "reports_per_conversation", amount: 1, limit: REPORTS_PER_CONVERSATION };
    await spendFor(c, conversationId, inIt);
  }
  const id = await addReport(directory, {
    ...{ id: crypto.randomUUID(), state: "open", ...key, reason, note: note || null, snapshot },
    ...{ reportedId: snapshot.at(-1)?.senderId ?? null, createdAt: Date.now() },
    ...{ claimedBy: null, claimedAt: null, resolvedBy: null, resolvedAt: null },
    ...{ action: null, resolution: null },
  });
  log("reported", { requestId: c.get("requestId"), reportId: id, conversationId, reason });
  return { id };
}

async function spendFor(c: Context<EdgeEnv>, subject: string, expense: Expense): Promise<void> {
  const exhausted = await spend(directoryOf(c.env.DB), subject, [expense], Date.now());
  if (!exhausted) return;
  refuse("rate_limited", {
    message: `At most ${expense.limit} reports an hour; wait before you try again.`,
    retryAfterMs: exhausted.retryAfterMs,
    limit: expense.name,
  });
}
