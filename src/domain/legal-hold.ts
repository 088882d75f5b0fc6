/** What may be held: a conversation, or everything that a user is or was in. */
export const HOLD_SUBJECTS = ["conversation", "user"] as const;
export type HoldSubject = (typeof HOLD_SUBJECTS)[number];

/** Nothing of its subject may be deleted while it stands. */
export interface LegalHold {
  subject: HoldSubject;
  /** The id of the conversation or the user. */
  id: string;
  placedBy: string;
  /** Milliseconds since the epoch. */
  placedAt: number;
  reason: string;
}
