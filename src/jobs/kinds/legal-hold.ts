import { z } from "zod";
import { conversationOf } from "../../conversation/stub.ts";
import { directoryOf } from "../../directory/directory.ts";
import { conversationsOfUser, holdOn } from "../../directory/legal-holds.ts";
import type { JobSteps } from "../kind.ts";
import { callAll, callMissed, PAGE } from "../missed.ts";

const params = z.object({ userId: z.string() });
const state = z.object({
  /** Whether the hold stood in the steps so far; null before the first. */
  standing: z.boolean().nullable(),
  /** All conversations up to this id were told, but for those that were missed. */
  after: z.string(),
  done: z.number(),
  /** Conversations that did not answer: they are told when all others were. */
  missed: z.array(z.string()).default([]),
});
type State = z.infer<typeof state>;

/**
 * Tells all conversations that a user is or was in whether a legal hold on them stands, as D1 says so. Where that
 * changes on the way it begins anew. Whoever enters one meanwhile is looked up by the conversation itself.
 */
export const legalHold: JobSteps<z.infer<typeof params>, State> = {
  params,
  state,

  begin: () => ({ standing: null, after: "", done: 0, missed: [] }),

  async step({ env }, { userId }, before) {
    const directory = directoryOf(env.DB);
    const standing = (await holdOn(directory, "user", userId)) !== undefined;
    const isSame = before.standing === null || before.standing === standing;
    const { after, done, missed } = isSame ? before : { after: "", done: 0, missed: [] };
    const tell = (id: string) => conversationOf(env, id).hold(userId, standing);
    const ids = await conversationsOfUser(directory, userId, { after, limit: PAGE });
    if (ids.length === 0) {
      const rest = await callMissed(missed, tell);
      if (rest.length === 0) return { finished: { standing, conversations: done }, done };
      return { state: { standing, after, done, missed: rest }, done, total: null };
    }
    const next = {
      ...{ standing, after: ids.at(-1) ?? after, done: done + ids.length },
      missed: await callAll(ids, missed, tell),
    };
    return { state: next, done: next.done, total: null };
  },
};
