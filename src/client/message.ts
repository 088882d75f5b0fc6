import type { SendFrame } from "./outbox.ts";

/** What is to be sent. */
export type NewMessage = Omit<SendFrame, "op" | "id">;

/** A message on its way: it stands behind those that are confirmed, in the order of sending. */
export interface PendingMessage extends NewMessage {
  clientMessageId: string;
  /** When it was sent, by this machine's clock. */
  sentAt: Date;
}

/** What became of a message. */
export interface SentMessage {
  messageId: string;
  clientMessageId: string;
  /** It had arrived before, under the same `clientMessageId`. */
  deduplicated: boolean;
}

/** What a page of history was asked for: around, before or after a message id; otherwise the newest. */
export type HistoryPlace = { before?: string; after?: string; around?: string; limit?: number };
