import type { Conversation } from "../domain/conversation.ts";
import type { Settings } from "../env.ts";
import type { Limits } from "./decide/types.ts";

/** What a conversation allows, by the API that created it. */
export function limitsOf(
  settings: Settings,
  { origin, kind }: Pick<Conversation, "origin" | "kind">,
): Limits {
  const retentionDays = settings.RETENTION_DAYS[kind];
  const unihub = origin === "unihub";
  return {
    messagesPerMinute: unihub
      ? settings.MESSAGES_PER_MINUTE_UNIHUB
      : settings.MESSAGES_PER_MINUTE_MARKETPLACE,
    contentLength: unihub ? settings.MAX_LENGTH_UNIHUB : settings.MAX_LENGTH_MARKETPLACE,
    editWindowMs: settings.EDIT_WINDOW_MINUTES * 60_000,
    ...(retentionDays !== undefined && { retentionDays }),
    ...(settings.REQUEST_LIMITS && {
      abuse: {
        changesPerMinute: settings.CHANGES_PER_MINUTE,
        readsPerMinute: settings.READS_PER_MINUTE,
      },
    }),
  };
}
