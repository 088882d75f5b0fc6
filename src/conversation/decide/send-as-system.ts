import { fail, ok, type Result } from "../../domain/error.ts";
import { contentOf, type Message } from "../../domain/message.ts";
import { type Actor, admissionRefusal } from "../../domain/policy.ts";
import { isGone } from "../../domain/retention.ts";
import { digestOf, digestOfMessage } from "./digest.ts";
import { numberIn } from "./message-of.ts";
import type { Answer, Decision, Send, State } from "./types.ts";

/**
 * What a service sends: a system message, which has no sender, counts for no unread total, last message or
 * rate limit, and notifies nobody. It has text only: no files, and it mentions nobody.
 */
export function decideSystemSend(
  state: State,
  actor: Actor,
  command: Send,
  now: number,
): Result<Decision> {
  const content = contentOf(command.content ?? "", command.maxLength);
  if (!content.ok) return content;
  const refused = admissionRefusal(actor, "send", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  const before = systemSentBefore(state, command);
  if (before && !before.ok) return before;
  if (before) return ok({ changes: [], counters: state.counters, answer: before.value });

  if (state.conversation.archivedAt !== null) return fail("channel_archived");
  if (command.attachments?.length) {
    return fail("forbidden", { message: "The system sends no files; a bot may." });
  }
  if (command.mentionsAll || command.mentions?.length) {
    return fail("forbidden", { message: "The system mentions nobody; a bot may." });
  }
  const replyTo = command.replyTo === undefined ? null : numberIn(state, command.replyTo);
  const isReplyLost =
    replyTo !== null && replyTo !== undefined && isGone(state.conversation, replyTo);
  if (replyTo === undefined || isReplyLost) return fail("invalid_reply");
  const number = state.counters.lastNumber + 1;
  const rev = state.counters.rev + 1;
  const message: Message = {
    ...{ number, rev, senderId: null, kind: "system", content: content.value, replyTo },
    ...{ attachments: [], reactions: [], metadata: command.metadata ?? null },
    clientMessageId: command.clientMessageId ?? null,
    createdAt: now,
    ...(state.clock < now && { clockAt: state.clock }),
    ...{ editedAt: null, deletedAt: null },
  };
  return ok({
    changes: [{ type: "message", cause: "created", message }],
    counters: { ...state.counters, rev, lastNumber: number, lastCreatedAt: now },
    effects: [{ type: "uncounted", number }],
    answer: { rev, message },
  });
}

/** What the system sent before under the same key, by any service: a retry stores nothing. */
export function systemSentBefore(state: State, command: Send): Result<Answer> | undefined {
  if (command.clientMessageId === undefined) return undefined;
  const before = state.sentAs(null, command.clientMessageId);
  if (!before) return undefined;
  const { message, digest } = before;
  // Whatever kind was asked for, it is the system's.
  const asked = digestOf({ ...command, kind: "system" });
  if ((digest ?? digestOfMessage(message)) !== asked) return fail("idempotency_conflict");
  return ok({ rev: message.rev, message, deduplicated: true });
}
