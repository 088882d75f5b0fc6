import { type ParsedId, parseConversationId, parseMessageId } from "../domain/id.ts";
import { refuse } from "./refusal.ts";

/** The conversation that an id names. What is none of ours names nothing, and no object is asked. */
export function conversationNamed(id: string): string {
  return parseConversationId(id) ?? refuse("conversation_not_found");
}

/** The message that an id names, likewise. */
export function messageNamed(id: string): ParsedId {
  return parseMessageId(id) ?? refuse("message_not_found");
}
