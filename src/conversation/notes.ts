import { emojiOf } from "../domain/reaction.ts";
import type { Change } from "./commands.ts";
import type { Commit } from "./committer.ts";
import type { Note } from "./gateways.ts";
import { READERS_MAX, readersOf } from "./log/receipts.ts";

/**
 * What gateways are told beside the events of a commit: who reacted with what, and who has read a
 * message that changed; in a large conversation nobody is told of readers.
 */
export function notesOf(
  sql: SqlStorage,
  changes: readonly Change[],
  outcomes: Commit["outcomes"],
  large: boolean,
): Note[] {
  const reactions = new Map<number, Note["reaction"]>();
  for (const { pending, result } of outcomes) {
    const { actor, command } = pending;
    if (!result.ok || (command.type !== "react" && command.type !== "unreact")) continue;
    const { rev } = result.value;
    const emoji = emojiOf(command.emoji);
    // What was there already is answered with the revision of before, and comes behind what made it.
    if (!emoji || reactions.has(rev)) continue;
    reactions.set(rev, { userId: actor.userId, emoji, added: command.type === "react" });
  }
  return changes.flatMap((change): Note[] => {
    if (change.type !== "message") return [];
    const { cause, message } = change;
    if (cause === "created" || cause === "deleted") return [];
    const reaction = cause === "reaction" ? reactions.get(message.rev) : undefined;
    const readers = large ? [] : readersOf(sql, message, READERS_MAX);
    return [{ rev: message.rev, readers, ...(reaction && { reaction }) }];
  });
}
