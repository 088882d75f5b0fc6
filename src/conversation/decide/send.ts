import { fail, ok, type Result } from "../../domain/error.ts";
import { mentionedBy } from "../../domain/mentions.ts";
import { captionOf, contentOf, type Message, type MessageKind } from "../../domain/message.ts";
import { type Actor, admissionRefusal, mayAsStaff, restriction } from "../../domain/policy.ts";
import { allowance, standing } from "../../domain/rate-window.ts";
import { withSettled } from "../../domain/read-ranges.ts";
import { isGone } from "../../domain/retention.ts";
import { hiddenFrom, messagesPerMinute } from "./blocks.ts";
import { digestOf, digestOfMessage } from "./digest.ts";
import { decideMentions, mentionEffects } from "./mentions.ts";
import { numberIn } from "./message-of.ts";
import { acceptance } from "./request.ts";
import type { Answer, Command, Decision, Effect, State } from "./types.ts";

type Send = Extract<Command, { type: "send" }>;

export function decideSend(
  state: State,
  actor: Actor,
  command: Send,
  now: number,
): Result<Decision> {
  const attachments = command.attachments ?? [];
  const content = attachments.length
    ? captionOf(command.content, command.maxLength)
    : contentOf(command.content ?? "", command.maxLength);
  if (!content.ok) return content;
  const facts = state.factsOf(actor.userId);
  const refused = admissionRefusal(actor, "send", facts);
  if (refused) return { ok: false, error: refused };

  // Before the checks of reply and limit: a retry costs nothing, and its answer does not depend on
  // later changes.
  const before = sentBefore(state, actor, command);
  if (before && !before.ok) return before;
  if (before) return ok({ changes: [], counters: state.counters, answer: before.value });

  if (state.conversation.archivedAt !== null) return fail("channel_archived");
  const restricted = restriction(actor, "send", facts);
  if (restricted) return { ok: false, error: restricted };
  const replyTo = command.replyTo === undefined ? null : numberIn(state, command.replyTo);
  const isReplyLost =
    replyTo !== null && replyTo !== undefined && isGone(state.conversation, replyTo);
  if (replyTo === undefined || isReplyLost) return fail("invalid_reply");
  const mentions = decideMentions(state, actor, command);
  if (!mentions.ok) return mentions;

  const rate = allowance(
    state.sendTimes(actor.userId),
    messagesPerMinute(state, actor.userId),
    state.clock,
  );
  if (!rate.allowed) {
    return fail("rate_limited", {
      message: `At most ${rate.limit} messages a minute can be sent here.`,
      retryAfterMs: rate.resetMs,
      rate,
    });
  }

  const paced = isPaced(state, actor);
  const waitMs = paced ? slowModeWait(state, actor.userId) : 0;
  if (waitMs > 0) return fail("slow_mode", { retryAfterMs: waitMs });

  // A later claim on the same files may have sent them already.
  if (command.claim !== undefined && state.isVoided(command.claim)) {
    return fail("unknown_attachments");
  }

  // Whoever writes has accepted.
  const accepted = acceptance(state.member(actor.userId), state.counters.rev + 1);
  const message: Message = {
    number: state.counters.lastNumber + 1,
    rev: (accepted?.member.rev ?? state.counters.rev) + 1,
    senderId: actor.userId,
    kind: kindOf(command),
    content: content.value,
    replyTo,
    attachments,
    reactions: [],
    metadata: command.metadata ?? null,
    ...mentions.value,
    ...(command.silent && { silent: true as const }),
    clientMessageId: command.clientMessageId ?? null,
    createdAt: now,
    ...(state.clock < now && { clockAt: state.clock }),
    editedAt: null,
    deletedAt: null,
  };
  const mentioned = mentionedBy(message);
  // Only the command knows the fingerprint of its files, and the text that the hook replaced.
  const isAsSent = attachments.length === 0 && command.moderated?.original === undefined;
  return ok({
    changes: [
      ...(accepted ? [accepted] : []),
      {
        type: "message",
        cause: "created",
        message,
        ...(!isAsSent && { digest: digestOf(command) }),
        ...(mentioned.length > 0 && { mentioned }),
      },
    ],
    counters: {
      ...state.counters,
      rev: message.rev,
      lastNumber: message.number,
      counted: state.counters.counted + 1,
      lastCounted: message.number,
      lastCreatedAt: now,
    },
    effects: [
      ...mentionEffects(undefined, message),
      ...(command.claim === undefined ? [] : [filesSent(command.claim, message)]),
      ...(paced ? [{ type: "paced" as const, userId: actor.userId, sentAt: state.clock }] : []),
    ],
    figures: figuresWith(state, message),
    answer: { rev: message.rev, message, rate },
  });
}

function filesSent(claim: string, { number, attachments }: Message): Effect {
  return { type: "files-sent", claim, number, keys: attachments.map(({ key }) => key) };
}

/** Whether slow mode concerns somebody: members without a role, and no staff. */
function isPaced(state: State, actor: Actor): boolean {
  if (!state.conversation.slowModeSeconds || mayAsStaff(actor, "send")) return false;
  return state.member(actor.userId)?.role === "member";
}

/** Milliseconds until slow mode allows their next message; 0: it does now. */
function slowModeWait(state: State, userId: string): number {
  const pace = (state.conversation.slowModeSeconds ?? 0) * 1_000;
  const since = state.clock - (state.pacedAt(userId) ?? Number.NEGATIVE_INFINITY);
  // A clock that was set back makes nobody wait for longer than that.
  return Math.min(pace, Math.max(0, pace - since));
}

/**
 * The answer to an earlier send under the same key; `undefined` if there was none, or without a
 * key.
 */
export function sentBefore(state: State, actor: Actor, command: Send): Result<Answer> | undefined {
  if (command.clientMessageId === undefined) return undefined;
  const before = state.sentAs(actor.userId, command.clientMessageId);
  if (!before) return undefined;
  const { message } = before;
  if ((before.digest ?? digestOfMessage(message)) !== digestOf(command)) {
    return fail("idempotency_conflict");
  }
  const limit = messagesPerMinute(state, actor.userId);
  const rate = standing(state.sendTimes(actor.userId), limit, state.clock);
  return ok({ rev: message.rev, message, deduplicated: true, rate });
}

/** The message is unread neither for its sender, nor for members who block them. */
function figuresWith(state: State, message: Message): NonNullable<Decision["figures"]> {
  const { senderId, number } = message;
  const settled = senderId === null ? [] : [senderId, ...hiddenFrom(state, message)];
  return settled.flatMap((userId) => {
    const member = state.member(userId);
    return member ? { userId, figures: withSettled(member, number) } : [];
  });
}

/** `image` if all files are images, `video` if all are videos, otherwise `file`. */
function kindOf(command: Send): MessageKind {
  const files = command.attachments ?? [];
  if (files.length === 0) return command.kind;
  if (files.every((file) => file.mimeType.startsWith("image/"))) return "image";
  if (files.every((file) => file.mimeType.startsWith("video/"))) return "video";
  return "file";
}
