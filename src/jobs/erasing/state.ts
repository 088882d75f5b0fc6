import { z } from "zod";
import { ERASED_MESSAGES } from "../../domain/erasure.ts";
import { deleteConversation } from "../kinds/delete-conversation.ts";

/** What the job that erases a person stores. */

/** Who is erased, and what becomes of what they wrote. */
export const params = z.object({ userId: z.string(), messages: z.enum(ERASED_MESSAGES) });
export type EraseUserParams = z.infer<typeof params>;

const phase = z.enum([
  ...(["begin", "conversations", "acquaintances", "settle", "files", "acts"] as const),
  ...(["reports", "purchase-requests", "elsewhere", "inbox", "end"] as const),
]);

/** How far an erasure is. */
export const state = z.object({
  phase,
  /** Stands for the person from now on. */
  erasedId: z.string(),
  name: z.string().nullable(),
  /** They had a role in which people write in conversations that they are not in. */
  isEverywhere: z.boolean(),
  /** Until when they are refused, and whether this job has them refused. */
  refusedUntil: z.number(),
  refuses: z.boolean(),
  /** Since when they are refused without a gap. */
  since: z.number(),
  pass: z.number(),
  /** Where a phase goes on: behind this id. */
  after: z.string(),
  /** The conversation that is being erased, and the message to go on with. */
  current: z.object({ id: z.string(), from: z.number() }).nullable(),
  /** The conversation that is being deleted, and how far that is. */
  deleting: z.object({ id: z.string(), state: deleteConversation.state }).nullable(),
  conversations: z.number(),
  deleted: z.number(),
  acquaintances: z.number(),
  files: z.number(),
});
export type EraseUserState = z.infer<typeof state>;
