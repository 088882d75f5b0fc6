import { z } from "zod";
import { conversationOf } from "../../conversation/stub.ts";
import { directoryOf } from "../../directory/directory.ts";
import { conversationsOfUser, holdOn } from "../../directory/legal-holds.ts";
import type { JobSteps } from "../kind.ts";

/** Conversations of one step, which are called at the same time. */
const PAGE = 50;
/** Conversations that do not answer and are called again at the end, at most: more are taken for an outage. */
const MAX_FAILED = 200;

const params = z.object({ userId: z.string() });
const state = z.object({
  /** Whether the hold stood in the steps so far; null before the first. */
  standing: z.boolean().nullable(),
  /** All conversations up to this id were told. */
  after: z.string(),
  done: z.number(),
  /** Those of them that could not be told. */
  failed: z.array(z.string()).default([]),
});
type State = z.infer<typeof state>;

/**
 * Tells all conversations that a user is or was in whether a legal hold on them stands, as D1 says so. Where that
 * changes on the way it begins anew. One that does not answer keeps it from none of the others. Whoever enters one meanwhile is looked up by the conversation itself.
 */
export const legalHold: JobSteps<z.infer<typeof params>, State> = {
  params,
  state,

  begin: () => ({ standing: null, after: "", done: 0, failed: [] }),

  async step({ env }, { userId }, before) {
    const directory = directoryOf(env.DB);
    const standing = (await holdOn(directory, "user", userId)) !== undefined;
    const isSame = before.standing === null || before.standing === standing;
    const { after, done, failed } = isSame ? before : { after: "", done: 0, failed: [] };
    const ids = await conversationsOfUser(directory, userId, { after, limit: PAGE });
    const isLast = ids.length === 0;
    if (isLast && failed.length === 0) {
      return { finished: { standing, conversations: done }, done };
    }
    const asked = isLast ? failed.slice(0, PAGE) : ids;
    const told = await Promise.allSettled(
      asked.map((id) => conversationOf(env, id).hold(userId, standing)),
    );
    const errors = told.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    const untold = asked.filter((_, index) => told[index]?.status === "rejected");
    const left = [...(isLast ? failed.slice(PAGE) : failed), ...untold];
    const isStuck = isLast && untold.length === asked.length;
    if (isStuck || left.length > MAX_FAILED) throw errors[0];
    const next = { standing, after: ids.at(-1) ?? after, failed: left };
    const reached = done + asked.length - untold.length;
    return { state: { ...next, done: reached }, done: reached, total: null };
  },
};
