import type { Actor } from "../../domain/policy.ts";
import { numberOf } from "../decide/message-of.ts";
import type { Command, CommandRequest } from "../decide/types.ts";

/**
 * Commands after which a mark comes to the same as before them. Not so a deletion, because who had read
 * the message keeps the receipt, nor whatever moves its author in or out.
 */
const PASSED: readonly Command["type"][] = ["send", "edit", "react", "unreact", "archive", "read"];

/**
 * Which read marks of a group need not be carried out, because a later one of the same person marks as
 * much and more: the index of each, with the index of that one. Marks of single messages are always
 * carried out. Every one carried out would come to the same state.
 */
export function coveredReads(
  group: readonly CommandRequest[],
  conversation: { id: string; lastNumber: number },
): Map<number, number> {
  const covered = new Map<number, number>();
  const latest = new Map<string, { index: number; upTo: number; actor: Actor }>();
  for (let index = group.length - 1; index >= 0; index--) {
    const request = group[index];
    if (!request) continue;
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

/** The number up to which a command marks, `Infinity` for all; `undefined` if it is of another sort. */
function reachOf(
  command: Extract<Command, { type: "read" }>,
  { id, lastNumber }: { id: string; lastNumber: number },
): number | undefined {
  if (command.messageId !== undefined || command.messageIds?.length) return undefined;
  return command.upTo === undefined ? Infinity : numberOf(command.upTo, id, lastNumber);
}

/** Whether what is refused to one is refused to the other, who is the same person. */
function sameRights(one: Actor, other: Actor): boolean {
  return (
    one.role === other.role && one.reach === other.reach && `${one.kinds}` === `${other.kinds}`
  );
}
