import { fail, ok, type Result } from "../../domain/error.ts";
import { parseMessageId } from "../../domain/id.ts";
import type { Message } from "../../domain/message.ts";
import type { State } from "./types.ts";

/** The message number of an id in this conversation; `undefined` for any other id. */
export function numberIn(state: State, messageId: string): number | undefined {
  return numberOf(messageId, state.conversation.id, state.counters.lastNumber);
}

/** The same for a conversation given by its id and its newest message number. */
export function numberOf(
  messageId: string,
  conversationId: string,
  lastNumber: number,
): number | undefined {
  const parsed = parseMessageId(messageId);
  if (parsed?.conversationId !== conversationId) return undefined;
  return parsed.number <= lastNumber ? parsed.number : undefined;
}

/** The message that an id names in this conversation. */
export function messageIn(state: State, messageId: string): Result<Message> {
  const number = numberIn(state, messageId);
  const message = number === undefined ? undefined : state.message(number);
  return message ? ok(message) : fail("message_not_found");
}
