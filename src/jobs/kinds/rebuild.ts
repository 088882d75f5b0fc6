import { z } from "zod";
import { directoryOf } from "../../directory/directory.ts";
import { conversationCount, conversationsAfter } from "../../directory/register.ts";
import type { JobSteps } from "../kind.ts";
import { MAX_REBUILT, rebuildConversations } from "../rebuild-conversations.ts";

/** Ids that are named in the result at most. */
const MAX_NAMED = 100;

const params = z.object({});
const state = z.object({
  /** All conversations up to this id were asked. */
  after: z.string(),
  total: z.number().nullable(),
  rebuilt: z.number(),
  /** Large ones, which go on in the background. */
  unfinished: z.array(z.string()),
  failed: z.number(),
  /** The first of those that failed. */
  failedIds: z.array(z.string()),
});
type State = z.infer<typeof state>;

/** Rebuilds D1 from the objects of all conversations that it knows. */
export const rebuild: JobSteps<z.infer<typeof params>, State> = {
  params,
  state,

  begin: () => ({
    ...{ after: "", total: null, rebuilt: 0, unfinished: [], failed: 0, failedIds: [] },
  }),

  async step({ env }, _params, before) {
    const directory = directoryOf(env.DB);
    const total = before.total ?? (await conversationCount(directory));
    // Those that are unfinished go first, so that there are never more than one call's.
    const isResuming = before.unfinished.length > 0;
    const ids = isResuming
      ? before.unfinished
      : await conversationsAfter(directory, before.after, MAX_REBUILT);
    const done = before.rebuilt + before.failed;
    if (ids.length === 0) {
      const { rebuilt, failed, failedIds } = before;
      return { finished: { rebuilt, failed, failedIds }, done };
    }
    const outcome = await rebuildConversations(env, ids, isResuming ? "here" : "start");
    // D1 or the objects are out of order: the step is retried, rather than every conversation given up.
    const isOutage = outcome.failed.some(({ reason }) => reason === "unavailable");
    if (isOutage && outcome.failed.length === ids.length) throw new Error("none was rebuilt");
    const failedIds = [...before.failedIds, ...outcome.failed.map(({ id }) => id)];
    const after = {
      after: isResuming ? before.after : (ids.at(-1) ?? before.after),
      total,
      rebuilt: before.rebuilt + outcome.rebuilt,
      unfinished: outcome.unfinished.map(({ conversationId }) => conversationId),
      failed: before.failed + outcome.failed.length,
      failedIds: failedIds.slice(0, MAX_NAMED),
    };
    return { state: after, done: after.rebuilt + after.failed, total };
  },
};
