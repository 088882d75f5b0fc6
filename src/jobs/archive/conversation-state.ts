import { z } from "zod";
import type { Step } from "../kind.ts";
import { archiveState } from "./archive.ts";

/** How far an export of a conversation is. */

const place = z.object({
  /** The life of the conversation that is read, and the revision up to which it is. */
  epoch: z.string().nullable(),
  rev: z.number(),
  /** Rows that were read. */
  done: z.number(),
  /** How often it had to begin anew, because the conversation was restored. */
  anew: z.number(),
});

export const conversationState = z.discriminatedUnion("at", [
  z.object({ at: z.literal("changes"), place }),
  z.object({ at: z.literal("reactors"), place }),
  z.object({
    at: z.literal("lists"),
    place,
    of: z.enum(["invitations", "held"]),
    after: z.string().optional(),
  }),
  z.object({
    at: z.literal("attachments"),
    place,
    list: z.enum(["messages", "held"]),
    after: z.string(),
  }),
  z.object({ at: z.literal("archive"), place, archive: archiveState }),
]);
export type ConversationState = z.infer<typeof conversationState>;
export type Place = z.infer<typeof place>;

/** A step that there is more behind. */
export function more(next: ConversationState): Step<ConversationState> {
  return { state: next, done: next.place.done, total: null };
}
