/** Reports of messages to staff. Times are milliseconds since the epoch. */

export const REPORT_REASONS = [
  ...(["spam", "harassment", "hate", "sexual", "violence", "illegal", "other"] as const),
] as const;
export type ReportReason = (typeof REPORT_REASONS)[number];

export const REPORT_STATES = ["open", "claimed", "resolved"] as const;
export type ReportState = (typeof REPORT_STATES)[number];

/** What was done about a report. */
export const REPORT_ACTIONS = ["none", "deleted", "warned", "muted", "banned"] as const;
export type ReportAction = (typeof REPORT_ACTIONS)[number];

/** Messages before the reported one that are kept with it. */
export const REPORTED_BEFORE = 5;

/** A message as it was when it, or one after it, was reported. */
export interface ReportedMessage {
  messageId: string;
  /** `null`: the system. */
  senderId: string | null;
  senderName: string | null;
  /** `""` if it was deleted. */
  content: string;
  attachments: { name: string; mimeType: string; size: number }[];
  createdAt: number;
}

export interface Report {
  id: string;
  state: ReportState;
  conversationId: string;
  number: number;
  reporterId: string;
  /** The author of the message. */
  reportedId: string | null;
  reason: ReportReason;
  note: string | null;
  /** The message and those before it, oldest first. */
  snapshot: ReportedMessage[];
  createdAt: number;
  claimedBy: string | null;
  claimedAt: number | null;
  resolvedBy: string | null;
  resolvedAt: number | null;
  action: ReportAction | null;
  /** Why, in the words of who resolved it. */
  resolution: string | null;
}
