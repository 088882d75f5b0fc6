import type { Ban, Conversation, Member } from "../../domain/conversation.ts";
import type { Message } from "../../domain/message.ts";
import type { StoredAct } from "../tables/audit.ts";
import type { HeldMessage } from "../tables/held.ts";
import type { Invitation } from "../tables/invitations.ts";
import type { ReadMark } from "../tables/reads.ts";

/** What an export asks of a conversation, page by page. Who may ask was decided by the caller. */
export type ExportPart =
  /** What changed after the revision `after`, in its present state; of everybody, or what concerns one user. */
  | { of: "changes"; userId?: string }
  /** Who reacted to a message, behind the reaction `after`. */
  | { of: "reactors"; number: number }
  /** Open invitations behind the user `after`. */
  | { of: "invitations" }
  /** What messages were before they were changed while there was a legal hold, behind `after`. */
  | { of: "held" };

/** Who reacted with what. */
export interface Reactor {
  number: number;
  emoji: string;
  userId: string;
}

/** A row of an export. Those of a user have neither reactions of others nor who deleted a message. */
export type ExportRow =
  | { type: "conversation"; conversation: Conversation }
  | { type: "member"; member: Member }
  | { type: "message"; message: Message }
  | { type: "read"; read: ReadMark }
  | { type: "act"; act: StoredAct }
  | { type: "reactor"; reactor: Reactor }
  /** All reactions of the user to a message: at least one. */
  | { type: "own reactions"; number: number; emojis: string[] }
  /** Messages to which the user has not reacted, or no longer. */
  | { type: "no reactions"; numbers: number[] }
  | { type: "invitation"; invitation: Invitation }
  | { type: "held"; held: HeldMessage };

export interface ExportPage {
  epoch: string;
  /** The revision up to which the pages of changes are complete; of other parts: at which it was read. */
  rev: number;
  rows: ExportRow[];
  /** Where the next page begins; absent: this was the last one. */
  next?: string;
  /** Who is banned, at the revision `rev`: on the last page of changes. */
  bans?: Ban[];
  /** On the last page of changes, where retention has removed messages: up to which, and which of those are kept. */
  purged?: { to: number; kept: number[] };
}
