import { z } from "zod";
import { conversationOf } from "../../conversation/stub.ts";
import { directoryOf } from "../../directory/directory.ts";
import { conversationsOfKinds } from "../../directory/register.ts";
import { KINDS } from "../../domain/conversation.ts";
import { retentionText } from "../../domain/retention.ts";
import type { JobSteps } from "../kind.ts";

/** Conversations of one step, which are called at the same time. */
const PAGE = 50;

/** `setting`: RETENTION_DAYS when it was started, for the cron, which starts one where that has changed. */
const params = z.object({ setting: z.string() });
const state = z.object({ after: z.string(), done: z.number() });
type State = z.infer<typeof state>;

/**
 * Has all conversations of the kinds that the setting names look at what is due: those that sleep have no alarm for
 * a setting that is newer than their last message. It removes nothing itself.
 */
export const retention: JobSteps<z.infer<typeof params>, State> = {
  params,
  state,

  begin: () => ({ after: "", done: 0 }),

  async step({ env, settings }, _params, { after, done }) {
    const kinds = KINDS.filter((kind) => settings.RETENTION_DAYS[kind] !== undefined);
    const ids = await conversationsOfKinds(directoryOf(env.DB), kinds, { after, limit: PAGE });
    await Promise.all(ids.map((id) => conversationOf(env, id).checkRetention()));
    if (ids.length === 0) {
      const setting = retentionText(settings.RETENTION_DAYS);
      return { finished: { setting, conversations: done }, done };
    }
    const next = { after: ids.at(-1) ?? after, done: done + ids.length };
    return { state: next, done: next.done, total: null };
  },
};
