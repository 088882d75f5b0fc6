import { markDeleted } from "../directory/deleted-conversations.ts";
import { directoryOf } from "../directory/directory.ts";
import type { Rebuilt } from "./api.ts";
import type { OpenConversation } from "./open.ts";
import { addMembers } from "./outbound/projection/people.ts";
import type { Tombstone } from "./tables/tombstone.ts";

/** How long a call waits at most; what is left is written in the background. */
const TIMEOUT_MS = 20_000;

/** Writes to D1 that a conversation was deleted, where D1 has lost that; by whom is not known any more. */
export async function rebuildTombstone(
  { id, rev }: Tombstone,
  database: D1Database,
  now: number,
): Promise<Rebuilt> {
  await markDeleted(directoryOf(database), { id, deletedBy: "", deletedAt: now });
  return { conversationId: id, rev, projectedRev: rev };
}

/** Writes a conversation to D1: everything, or what D1 does not have; resolves to how far D1 is. */
export async function rebuild(
  { memory, projector, sql }: OpenConversation,
  database: D1Database,
  from: "start" | "here",
): Promise<Rebuilt> {
  if (from === "start") {
    await addMembers(directoryOf(database), sql);
    projector.restart();
  }
  await projector.reached(memory.counters.rev, TIMEOUT_MS);
  const { rev, projectedRev } = memory.counters;
  return { conversationId: memory.conversation.id, rev, projectedRev };
}
