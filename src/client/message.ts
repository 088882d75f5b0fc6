import type { SendFrame } from "./event.ts";

/** A message to send. */
export type NewMessage = Omit<SendFrame, "op" | "id">;

/** An unconfirmed message; shown after the confirmed ones, in the order of sending. */
export interface PendingMessage extends NewMessage {
  clientMessageId: string;
  /** Time of sending, by the local clock. */
  sentAt: Date;
}

/** The result of a send. */
export interface SentMessage {
  messageId: string;
  clientMessageId: string;
  /** It had been sent before with the same `clientMessageId`. */
  deduplicated: boolean;
}

/** A page of history: around, before or after a message id; otherwise the newest. */
export type HistoryPlace = { before?: string; after?: string; around?: string; limit?: number };
