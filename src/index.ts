import { createApp } from "./app.ts";
import { noteCron } from "./attachments/bucket-health.ts";
import { sweep } from "./attachments/sweep.ts";
import { Conversation as ConversationObject } from "./conversation/object.ts";
import { marketplaceForm } from "./dialects/marketplace/presenter.ts";
import { unihubForm } from "./dialects/unihub/presenter.ts";
import { deleteEndedBans } from "./directory/bans.ts";
import { deleteOldLiftedBlocks } from "./directory/blocks.ts";
import { completeWords } from "./directory/complete-words.ts";
import { directoryOf } from "./directory/directory.ts";
import { deleteOldSpending } from "./directory/spending.ts";
import { voidClaimIn } from "./edge/uploads.ts";
import type { Env } from "./env.ts";
import { sweepArchives } from "./jobs/archive/sweep.ts";
import { retentionChanged } from "./jobs/start-retention.ts";
import { superviseJobs } from "./jobs/supervise.ts";
import { log } from "./logging.ts";

export { BeforeSend } from "./conversation/before-send/entrypoint.ts";
export { SocketIoGateway } from "./dialects/marketplace/socketio/gateway.ts";
export { SignalRGateway } from "./dialects/unihub/signalr/gateway.ts";
export { Inbox } from "./inbox/object.ts";
export { Job } from "./jobs/object.ts";

/** The object of a conversation, which writes pages in the form of each API. */
export class Conversation extends ConversationObject {
  protected override readonly forms = [unihubForm, marketplaceForm];
}

const app = createApp();

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),

  /**
   * The cron of wrangler.toml: removes unsent files, those of deleted messages, expired hourly counts,
   * blocks that were lifted long ago, and bans that have ended; completes what names are found by; has jobs go
   * on; and removes archives of exports.
   */
  scheduled: async (controller, env) => {
    const directory = directoryOf(env.DB);
    const now = controller.scheduledTime;
    const removed = await sweep({
      ...{ bucket: env.FILES, directory, now },
      voidClaim: voidClaimIn(env),
    });
    log("swept", { removed });
    await deleteOldSpending(directory, now);
    await deleteOldLiftedBlocks(directory, now);
    await deleteEndedBans(directory, now);
    await superviseJobs(env, directory, now);
    if (await retentionChanged(env)) log("retention_changed", {});
    const archives = await sweepArchives(directory, env.FILES, now);
    if (archives > 0) log("archives_swept", { archives });
    const { people, channels } = await completeWords(directory);
    if (people + channels > 0) log("words_completed", { people, channels });
    await noteCron(env.FILES);
  },
} satisfies ExportedHandler<Env>;
