import { type ParsedId, parseConversationId, parseMessageId } from "../domain/id.ts";
import { refuse } from "./refusal.ts";

/** The conversation of an id. A malformed id is not found, and no object is called. */
export function conversationNamed(id: string): string {
  return parseConversationId(id) ?? refuse("conversation_not_found");
}

/** The message of an id, likewise. */
export function messageNamed(id: string): ParsedId {
  return parseMessageId(id) ?? refuse("message_not_found");
}
