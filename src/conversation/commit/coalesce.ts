import type { Actor } from "../../domain/policy.ts";
import { numberOf } from "../decide/message-of.ts";
import type { Command, CommandRequest } from "../decide/types.ts";

/**
 * Commands that do not change the effect of a read mark. A deletion is none of them, because
 * earlier readers keep their receipt; nor are commands that change the caller's membership.
 */
const PASSED: readonly Command["type"][] = ["send", "edit", "react", "unreact", "archive", "read"];

/**
 * The read marks of a group that can be skipped, because a later one of the same person covers
 * them: the index of each, with the index of the later one. Marks of single messages are never
 * skipped. The resulting state is the same.
 */
export function coveredReads(
  group: readonly CommandRequest[],
  conversation: { id: string; lastNumber: number },
): Map<number, number> {
  const covered = new Map<number, number>();
  const latest = new Map<string, { index: number; upTo: number; actor: Actor }>();
  for (let index = group.length - 1; index >= 0; index--) {
    const request = group[index];
    // One that is refused already changes nothing, and covers nothing.
    if (!request || request.refused) continue;
    const { actor, command } = request;
    if (!PASSED.includes(command.type)) latest.clear();
    if (command.type !== "read") continue;
    const upTo = reachOf(command, conversation);
    const cover = latest.get(actor.userId);
    if (upTo === undefined) {
      latest.delete(actor.userId);
    } else if (cover && upTo <= cover.upTo && sameRights(actor, cover.actor)) {
      covered.set(index, cover.index);
    } else {
      latest.set(actor.userId, { index, upTo, actor });
    }
  }
  return covered;
}

/**
 * The number up to which a command marks as read: `Infinity` for all, `undefined` for other
 * commands.
 */
function reachOf(
  command: Extract<Command, { type: "read" }>,
  { id, lastNumber }: { id: string; lastNumber: number },
): number | undefined {
  if (command.messageId !== undefined || command.messageIds?.length) return undefined;
  return command.upTo === undefined ? Infinity : numberOf(command.upTo, id, lastNumber);
}

/** Whether both actors, who are the same person, have the same rights. */
function sameRights(one: Actor, other: Actor): boolean {
  return (
    one.role === other.role && one.reach === other.reach && `${one.kinds}` === `${other.kinds}`
  );
}
