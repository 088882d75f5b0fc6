import { fail, ok, type Result } from "../../domain/error.ts";
import { isCountable, type Message } from "../../domain/message.ts";
import { type Actor, isOperator, mayAsStaff, refusal } from "../../domain/policy.ts";
import { hiddenFrom } from "./blocks.ts";
import { digestOfMessage } from "./digest.ts";
import { mentionEffects } from "./mentions.ts";
import { messageIn } from "./message-of.ts";
import { withoutPin } from "./moderate.ts";
import { formerEffects } from "./retain.ts";
import type { Change, Command, Decision, State } from "./types.ts";

/** Clears a message's content, files, reactions and mentions; the row stays. Idempotent. */
export function decideDelete(
  state: State,
  actor: Actor,
  command: Extract<Command, { type: "delete" }>,
  now: number,
): Result<Decision> {
  // Membership first: non-members must not learn which messages exist.
  const facts = state.factsOf(actor.userId);
  const refused = refusal(actor, "delete", facts);
  if (refused) return { ok: false, error: refused };
  const found = messageIn(state, command.messageId);
  if (!found.ok) return found;
  const before = found.value;
  const isOwn = before.senderId === actor.userId;
  if (before.senderId === null && !mayAsStaff(actor, "deleteOthers")) return fail("system_message");
  const forbidden = isOwn ? undefined : refusal(actor, "deleteOthers", facts);
  if (forbidden) return { ok: false, error: forbidden };
  if (state.conversation.archivedAt !== null && !isOperator(actor)) return fail("channel_archived");
  if (before.deletedAt !== null) {
    return ok({
      changes: [],
      counters: state.counters,
      answer: { rev: before.rev, message: before },
    });
  }
  return ok(deletion(state, before, now, isOwn ? undefined : actor.userId));
}

/** The decision that a message, which is not deleted, is cleared; `deletedBy`: by whom but its author. */
export function deletion(
  state: State,
  before: Message,
  now: number,
  deletedBy: string | undefined,
): Decision {
  const { mentions: _, mentionsAll: __, ...rest } = before;
  const message: Message = {
    ...rest,
    rev: state.counters.rev + 1,
    content: "",
    attachments: [],
    reactions: [],
    metadata: null,
    deletedAt: now,
    ...(deletedBy !== undefined && { deletedBy }),
  };
  const { counted, lastCounted } = state.counters;
  const isPinned = state.conversation.pins?.some(({ number }) => number === message.number);
  const unpinned: Change[] = isPinned ? [unpinning(state, message)] : [];
  return {
    changes: [
      { type: "message", cause: "deleted", message, digest: digestOfMessage(before) },
      ...unpinned,
    ],
    counters: {
      ...state.counters,
      rev: message.rev + unpinned.length,
      counted: isCountable(before) ? counted - 1 : counted,
      lastCounted:
        lastCounted === message.number ? state.countedBefore(message.number) : lastCounted,
    },
    figures: figuresWithout(state, before),
    effects: [
      { type: "uncounted", number: message.number },
      ...mentionEffects(before, message),
      ...formerEffects(state, before, message.rev),
      ...(before.reactions.length > 0
        ? [{ type: "reactions-cleared" as const, number: message.number }]
        : []),
    ],
    answer: { rev: message.rev, message },
  };
}

/** A message that was deleted is not pinned any more. */
function unpinning(state: State, { number, rev }: Message): Change {
  return { type: "conversation", conversation: { ...withoutPin(state, number), rev: rev + 1 } };
}

/**
 * Figures without the message: its author, those who read it out of order, and those from whom a block hid
 * it, had it in `readBeyond`.
 */
function figuresWithout(state: State, message: Message): NonNullable<Decision["figures"]> {
  if (message.senderId === null) return [];
  const { senderId, number } = message;
  const counted = new Set([
    ...[senderId, ...state.readersAhead(number), ...hiddenFrom(state, message)],
  ]);
  const figures: NonNullable<Decision["figures"]> = [];
  for (const userId of counted) {
    const member = state.member(userId);
    if (!member || member.readUpTo >= message.number) continue;
    figures.push({
      userId,
      figures: { readUpTo: member.readUpTo, readBeyond: member.readBeyond - 1 },
    });
  }
  return figures;
}
