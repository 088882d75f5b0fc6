import { fail, ok, type Result } from "../../domain/error.ts";
import { mentionedBy } from "../../domain/mentions.ts";
import { captionOf, contentOf, type Message, withinEditWindow } from "../../domain/message.ts";
import { type Actor, refusal } from "../../domain/policy.ts";
import { digestOfMessage } from "./digest.ts";
import { decideMentions, mentionEffects } from "./mentions.ts";
import { messageIn } from "./message-of.ts";
import { formerEffects } from "./retain.ts";
import type { Command, Decision, State } from "./types.ts";

export function decideEdit(
  state: State,
  actor: Actor,
  command: Extract<Command, { type: "edit" }>,
  now: number,
): Result<Decision> {
  // Membership first: non-members must not learn which messages exist.
  const refused = refusal(actor, "edit", state.factsOf(actor.userId));
  if (refused) return { ok: false, error: refused };
  const found = messageIn(state, command.messageId);
  if (!found.ok) return found;
  const before = found.value;
  if (before.senderId === null) return fail("system_message");
  if (before.senderId !== actor.userId) return fail("not_the_author");
  if (before.kind === "system") return fail("system_message");
  if (state.conversation.archivedAt !== null) return fail("channel_archived");
  if (before.deletedAt !== null) return fail("message_deleted");
  const content = before.attachments.length
    ? captionOf(command.content, command.maxLength)
    : contentOf(command.content, command.maxLength);
  if (!content.ok) return content;
  if (!withinEditWindow(before, state.limits.editWindowMs, state.clock)) {
    return fail("edit_window_closed");
  }
  const { mentions: _, mentionsAll: __, ...rest } = before;
  const mentions = decideMentions(state, actor, command, before);
  if (!mentions.ok) return mentions;
  // An edit without a difference still counts as one: its author sees the message as edited.
  const message: Message = {
    ...rest,
    ...mentions.value,
    rev: state.counters.rev + 1,
    content: content.value,
    editedAt: now,
  };
  const ofMentions = mentionEffects(before, message);
  const effects = [...ofMentions, ...formerEffects(state, before, message.rev)];
  const mentioned = [...new Set([...mentionedBy(before), ...mentionedBy(message)])];
  return ok({
    changes: [
      {
        ...({ type: "message", cause: "edited", message } as const),
        digest: digestOfMessage(before),
        ...(ofMentions.length > 0 && { mentioned }),
      },
    ],
    counters: { ...state.counters, rev: message.rev },
    ...(effects.length > 0 && { effects }),
    answer: { rev: message.rev, message },
  });
}
