import { fail, ok, type Result } from "../../domain/error.ts";
import { isCountable, type Message } from "../../domain/message.ts";
import { type Actor, refusal } from "../../domain/policy.ts";
import { type Marked, markSome, markUpTo, type Range } from "../../domain/read-ranges.ts";
import { MAX_AHEAD } from "../tables/reads.ts";
import { isHiddenFrom } from "./blocks.ts";
import { messageIn, numberIn } from "./message-of.ts";
import type { Change, Command, Decision, State } from "./types.ts";

type ReadCommand = Extract<Command, { type: "read" }>;

export function decideRead(
  state: State,
  actor: Actor,
  command: ReadCommand,
  now: number,
): Result<Decision> {
  const member = state.member(actor.userId);
  const refused = refusal(actor, "mark", state.factsOf(actor.userId));
  if (refused || !member) return refused ? { ok: false, error: refused } : fail("not_a_member");
  const result = mark(state, actor.userId, command, state.readFacts(member));
  if (!result.ok) return result;
  const { pieces, figures, newlyRead } = result.value;

  let { rev } = state.counters;
  const changes = pieces
    .flatMap((piece) => (piece.to > figures.readUpTo ? split(piece) : [piece]))
    .map((piece): Change => {
      rev++;
      const read = { rev, userId: actor.userId, from: piece.from, to: piece.to, readAt: now };
      return { type: "read", read, ahead: piece.to > figures.readUpTo };
    });
  const moved = figures.readUpTo !== member.readUpTo || figures.readBeyond !== member.readBeyond;
  return ok({
    changes,
    counters: { ...state.counters, rev },
    figures: moved ? [{ userId: actor.userId, figures }] : [],
    effects:
      figures.readUpTo > member.readUpTo
        ? [
            {
              type: "settled",
              userId: actor.userId,
              before: member.readUpTo,
              after: figures.readUpTo,
            },
          ]
        : [],
    answer: { rev, modifiedCount: newlyRead },
  });
}

function mark(
  state: State,
  userId: string,
  command: ReadCommand,
  facts: ReturnType<State["readFacts"]>,
): Result<Marked> {
  if (command.messageId !== undefined) {
    const found = messageIn(state, command.messageId);
    if (!found.ok) return found;
    const message = found.value;
    if (message.deletedAt !== null) return fail("message_deleted");
    return ok(markSome(facts, isMarkable(state, userId, message) ? [message.number] : []));
  }
  if (command.upTo !== undefined) {
    const upTo = numberIn(state, command.upTo);
    return upTo === undefined ? fail("unknown_messages") : ok(markUpTo(facts, upTo));
  }
  if (!command.messageIds?.length) return ok(markUpTo(facts, state.counters.lastNumber));
  const numbers: number[] = [];
  for (const messageId of command.messageIds) {
    const number = numberIn(state, messageId);
    const message = number === undefined ? undefined : state.message(number);
    if (!message) return fail("unknown_messages");
    if (isMarkable(state, userId, message)) numbers.push(message.number);
  }
  return ok(
    markSome(
      facts,
      numbers.toSorted((a, b) => a - b),
    ),
  );
}

/** The reader's own, deleted, system and hidden messages may be named, and get no receipt. */
function isMarkable(state: State, userId: string, message: Message): boolean {
  const isOfAnother = isCountable(message) && message.senderId !== userId;
  return isOfAnother && !isHiddenFrom(state, userId, message);
}

function split(piece: Range): Range[] {
  const parts: Range[] = [];
  for (let from = piece.from; from <= piece.to; from += MAX_AHEAD) {
    parts.push({ from, to: Math.min(piece.to, from + MAX_AHEAD - 1) });
  }
  return parts;
}
