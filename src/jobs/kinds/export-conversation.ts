import { z } from "zod";
import { archiveStep, FIRST_STATE, removeArchive, stepOf } from "../archive/archive.ts";
import { collectAttachments } from "../archive/attachments.ts";
import { ConversationReading } from "../archive/conversation-reading.ts";
import { type ConversationState, conversationState, more } from "../archive/conversation-state.ts";
import { createTables } from "../archive/tables.ts";
import type { JobSteps } from "../kind.ts";

/**
 * Exports a conversation. What changed after revision 0 is read page by page, until there is nothing that changed
 * after the last page: the lines are the state at that revision then. Lines of what changes meanwhile are replaced.
 */

const params = z.object({ conversationId: z.string(), held: z.boolean() });
type Params = z.infer<typeof params>;

const LISTS = [
  { name: "conversation", single: true as const },
  ...["members", "messages", "reactions", "reads", "bans", "invitations", "acts"].map((name) => ({
    name,
  })),
];

export const exportConversation: JobSteps<Params, ConversationState> = {
  params,
  state: conversationState,
  begin: () => ({ at: "changes", place: { epoch: null, rev: 0, done: 0, anew: 0 } }),

  async step(context, { conversationId, held }, now) {
    createTables(context.sql);
    const reading = new ConversationReading(context, conversationId);
    switch (now.at) {
      case "changes":
        return reading.changes(now.place);
      case "reactors":
        return reading.reactors(now.place);
      case "lists": {
        const next = now.of === "invitations" && held ? "held" : undefined;
        return reading.list(now, next);
      }
      case "attachments": {
        const { list } = now;
        const after = collectAttachments(context.sql, list, now.after);
        if (after !== undefined) return more({ ...now, after });
        if (list === "messages" && held) return more({ ...now, list: "held", after: "" });
        return more({ at: "archive", place: now.place, archive: FIRST_STATE });
      }
      case "archive": {
        const { epoch, rev, done } = now.place;
        const contents = {
          lists: [...LISTS, ...(held ? [{ name: "held" }] : []), { name: "files" }],
          manifest: () => ({
            of: "conversation",
            held,
            conversation: { id: conversationId, epoch, rev },
          }),
        };
        const step = await archiveStep(context, contents, now.archive);
        return stepOf<ConversationState>(step, done, (archive) => ({ ...now, archive }));
      }
    }
  },

  undo: (context) => removeArchive(context),
};
