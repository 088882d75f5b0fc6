import { directoryOf } from "../directory/directory.ts";
import { latestJob } from "../directory/jobs.ts";
import { retentionText } from "../domain/retention.ts";
import { type Env, settingsOf } from "../env.ts";
import { startJob } from "./start.ts";

/** Who has started what nobody has ordered. No token has this user id: ids are trimmed. */
const CRON = { userId: " cron", role: "admin" as const };

/**
 * Starts a job `retention` where RETENTION_DAYS is another than that of the last one. Call it regularly; whether it
 * has started one.
 */
export async function retentionChanged(env: Env): Promise<boolean> {
  const settings = settingsOf(env);
  if (settings instanceof Error) throw settings;
  const setting = retentionText(settings.RETENTION_DAYS);
  const last = await latestJob(directoryOf(env.DB), "retention");
  if ((last?.order.params as { setting?: unknown } | undefined)?.setting === setting) return false;
  // It was never set.
  if (!last && setting === "") return false;
  const request = {
    kind: "retention",
    target: null,
    params: { setting },
    startedBy: CRON,
  } as const;
  const { ok } = await startJob(env, request);
  return ok;
}
