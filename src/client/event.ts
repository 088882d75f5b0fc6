import type { Status } from "./connection.ts";
import type { Question } from "./outbox.ts";
import type { ServerEvent } from "./received.ts";

type EventOf<Type extends ServerEvent["type"]> = Extract<ServerEvent, { type: Type }>;

/** What a page of changes brings has no cause of its own. */
type Cause<Type extends "message" | "member"> = EventOf<Type>["cause"] | "sync";

/** What somebody who listens to a conversation is told. */
export type ConversationEvent =
  | ({ type: "status" } & Status)
  /** What was known is forgotten: the conversation's state starts over with the events that follow. */
  | { type: "reset" }
  | { type: "message"; cause: Cause<"message">; message: EventOf<"message">["message"] }
  | { type: "member"; cause: Cause<"member">; member: EventOf<"member">["member"] }
  | { type: "read"; read: Omit<EventOf<"read">, "type"> }
  | { type: "conversation"; conversation: EventOf<"conversation">["conversation"] }
  | EventOf<"typing">
  | EventOf<"presence">
  /**
   * The server sent something that cannot be read: it is skipped, and reported once. What it was about may
   * be out of date until it changes again.
   */
  | { type: "error"; reason: string }
  /** A command is sent again that was not answered. */
  | { type: "resend"; op: Question["op"]; clientMessageId?: string };

/** Events by their names. */
export type Named = {
  [Type in ConversationEvent["type"]]: Extract<ConversationEvent, { type: Type }>;
};
export interface ConversationEvents extends Named {
  /** Any of the others. */
  event: ConversationEvent;
}
