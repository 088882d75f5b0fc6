import { fail, ok, type Result } from "../../../domain/error.ts";
import { parseMessageId } from "../../../domain/id.ts";
import { isGone } from "../../../domain/retention.ts";
import type { ClientFrame } from "../../../live/frames.ts";
import type { Memory } from "../../commit/draft.ts";
import type { Command } from "../../decide/types.ts";
import type { HistoryQuery } from "../../queries/history.ts";

/** What the frames of clients ask for, in terms of the conversation. */

export type Frame<Op extends ClientFrame["op"]> = Extract<ClientFrame, { op: Op }>;

/** Messages that `history` answers with when it does not say how many. */
const HISTORY_LIMIT = 50;

/** The command of a frame; `maxLength` limits texts. */
export function commandOf(
  frame: Frame<"send" | "edit" | "delete" | "react" | "unreact" | "read">,
  maxLength: number,
): Result<Command> {
  switch (frame.op) {
    case "send": {
      const { content, clientMessageId } = frame;
      const replyTo = frame.replyTo ?? undefined;
      const metadata = frame.metadata ?? undefined;
      return ok({
        type: "send",
        kind: "text",
        content,
        clientMessageId,
        replyTo,
        metadata,
        mentions: frame.mentions ?? undefined,
        mentionsAll: frame.mentionsAll ?? undefined,
        silent: frame.silent ?? undefined,
        maxLength,
        fingerprint: frame.attachments?.length ? frame.attachments.join() : undefined,
      });
    }
    case "edit":
      return ok({
        type: "edit",
        messageId: frame.messageId,
        content: frame.content,
        mentions: frame.mentions ?? undefined,
        mentionsAll: frame.mentionsAll ?? undefined,
        maxLength,
      });
    case "delete":
      return ok({ type: "delete", messageId: frame.messageId });
    case "react":
    case "unreact":
      return ok({ type: frame.op, messageId: frame.messageId, emoji: frame.emoji });
    case "read":
      return ok({ type: "read", messageIds: frame.messageIds, upTo: frame.upTo });
  }
}

/** The query of a `history` frame; refuses a message that does not exist. */
export function historyQueryOf(memory: Memory, frame: Frame<"history">): Result<HistoryQuery> {
  const limit = frame.limit ?? HISTORY_LIMIT;
  for (const by of ["before", "after", "around"] as const) {
    const id = frame[by];
    if (id === undefined) continue;
    const number = positionIn(memory, id);
    if (number.ok && by === "around" && isGone(memory.conversation, number.value)) {
      return fail("message_not_found");
    }
    return number.ok ? ok({ by, number: number.value, limit }) : number;
  }
  return ok({ by: "before", number: memory.counters.lastNumber + 1, limit });
}

/** The number of a message by its id; refuses one that does not exist here. */
export function positionIn({ conversation, counters }: Memory, id: string): Result<number> {
  const parsed = parseMessageId(id);
  const exists = parsed?.conversationId === conversation.id && parsed.number <= counters.lastNumber;
  return exists ? ok(parsed.number) : fail("message_not_found");
}
