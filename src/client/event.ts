import type { Status } from "./connection.ts";
import type { Question } from "./outbox.ts";
import type { ServerEvent } from "./received.ts";

type EventOf<Type extends ServerEvent["type"]> = Extract<ServerEvent, { type: Type }>;

/** Rows of a page of changes have no cause. */
type Cause<Type extends "message" | "member"> = EventOf<Type>["cause"] | "sync";

/** The events of a conversation. */
export type ConversationEvent =
  | ({ type: "status" } & Status)
  /** The known state is void: the following events contain the new one. */
  | { type: "reset" }
  | { type: "message"; cause: Cause<"message">; message: EventOf<"message">["message"] }
  | { type: "member"; cause: Cause<"member">; member: EventOf<"member">["member"] }
  | { type: "read"; read: Omit<EventOf<"read">, "type"> }
  | { type: "conversation"; conversation: EventOf<"conversation">["conversation"] }
  | EventOf<"typing">
  | EventOf<"presence">
  /**
   * The server sent something unreadable: it is skipped and reported once. The row that it was about may be
   * out of date until it changes again.
   */
  | { type: "error"; reason: string }
  /** An unanswered command is sent again. */
  | { type: "resend"; op: Question["op"]; clientMessageId?: string };

/** Events by their names. */
export type Named = {
  [Type in ConversationEvent["type"]]: Extract<ConversationEvent, { type: Type }>;
};
export interface ConversationEvents extends Named {
  /** Any of the others. */
  event: ConversationEvent;
}
