import { inboxOf } from "../../conversation/stub.ts";
import { directoryOf } from "../../directory/directory.ts";
import { bannedUntil } from "../../directory/erasure.ts";
import { serviceBanOf } from "../../directory/exported.ts";
import type { JobContext } from "../kind.ts";

/** While a person is erased, they are banned from the service. */

/**
 * How long they are refused should the job not go on. Servers that sleep until everything is done refuse them
 * for so long as well.
 */
const REFUSED_MS = 10 * 60_000;
/** The ban is renewed when it has less left. */
const RENEWED_MS = 5 * 60_000;

export interface Refusal {
  refusedUntil: number;
  refuses: boolean;
  since: number;
}

/** Has the person refused from now on, unless they are. */
export async function refuse<State extends Refusal>(
  { env, startedBy, clock, jobId }: JobContext,
  userId: string,
  before: State,
): Promise<State> {
  const now = clock();
  if (before.refusedUntil - now > RENEWED_MS) return before;
  // Between two bans of the job, they may have come in.
  const since = before.refusedUntil > now ? before.since : now;
  const known = await bannedUntil(directoryOf(env.DB), userId, now);
  if (known - now > RENEWED_MS) return { ...before, refusedUntil: known, since };
  const refusedUntil = now + REFUSED_MS;
  await inboxOf(env, userId).setBan({
    ...{ banned: true, actorId: startedBy.userId, actorRole: startedBy.role },
    ...{ reason: reasonOf(jobId), until: refusedUntil },
  });
  return { ...before, refusedUntil, refuses: true, since };
}

/** Lifts the ban of a job that does not go on, unless an admin has placed another since. */
export async function admitAgain(
  { env, startedBy, jobId }: JobContext,
  userId: string,
): Promise<void> {
  const ban = await serviceBanOf(directoryOf(env.DB), userId);
  if (ban && ban.liftedAt === null && ban.reason !== reasonOf(jobId)) return;
  await inboxOf(env, userId).setBan({
    ...{ banned: false, actorId: startedBy.userId, actorRole: startedBy.role },
    ...{ reason: reasonOf(jobId), until: null },
  });
}

function reasonOf(jobId: string): string {
  return `erasure ${jobId}`;
}
