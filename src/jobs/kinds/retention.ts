import { z } from "zod";
import { conversationOf } from "../../conversation/stub.ts";
import { directoryOf } from "../../directory/directory.ts";
import { conversationsOfKinds } from "../../directory/register.ts";
import { KINDS } from "../../domain/conversation.ts";
import { retentionText } from "../../domain/retention.ts";
import type { JobSteps } from "../kind.ts";
import { callAll, callMissed, PAGE } from "../missed.ts";

/** `setting`: RETENTION_DAYS when it was started, for the cron, which starts one where that has changed. */
const params = z.object({ setting: z.string() });
const state = z.object({
  /** All conversations up to this id were called, but for those that were missed. */
  after: z.string(),
  done: z.number(),
  /** Conversations that did not answer: they are called when all others were. */
  missed: z.array(z.string()).default([]),
});
type State = z.infer<typeof state>;

/**
 * Has all conversations of the kinds that the setting names look at what is due: those that sleep have no alarm for
 * a setting that is newer than their last message. It removes nothing itself.
 */
export const retention: JobSteps<z.infer<typeof params>, State> = {
  params,
  state,

  begin: () => ({ after: "", done: 0, missed: [] }),

  async step({ env, settings }, _params, { after, done, missed }) {
    const kinds = KINDS.filter((kind) => settings.RETENTION_DAYS[kind] !== undefined);
    const ids = await conversationsOfKinds(directoryOf(env.DB), kinds, { after, limit: PAGE });
    const check = (id: string) => conversationOf(env, id).checkRetention();
    if (ids.length === 0) {
      const rest = await callMissed(missed, check);
      if (rest.length > 0) return { state: { after, done, missed: rest }, done, total: null };
      const setting = retentionText(settings.RETENTION_DAYS);
      return { finished: { setting, conversations: done }, done };
    }
    const next = {
      ...{ after: ids.at(-1) ?? after, done: done + ids.length },
      missed: await callAll(ids, missed, check),
    };
    return { state: next, done: next.done, total: null };
  },
};
