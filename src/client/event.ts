import type { ClientFrame } from "../live/frames.ts";
import type { StatusEvent } from "./live.ts";
import type { EventOf } from "./received.ts";

/** Frames that are answered; `typing` is not. */
export type Question = Exclude<ClientFrame, { op: "typing" }>;
export type SendFrame = Extract<ClientFrame, { op: "send" }>;

/** Rows of a page of changes have no cause. */
type Cause<Type extends "message" | "member"> = EventOf<Type>["cause"] | "sync";

/** The events of a conversation. */
export type ConversationEvent = StatusEvent | ConversationChange;

export type ConversationChange =
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
