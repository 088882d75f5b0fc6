import type { ErasedMessages, Replacement } from "../domain/erasure.ts";

/** The RPC by which a person is erased in one conversation. */

/** An erasure of a person in a conversation; the same one as long as nothing but `from` differs. */
export interface ErasureRequest extends Replacement {
  /** An id of the caller's, for this erasure: the epoch that it begins is begun once. */
  by: string;
  messages: ErasedMessages;
  /** The number of the message to go on with: 1, and then what was answered. */
  from: number;
}

/** How far it is. */
export type ErasureProgress =
  /** A legal hold stands here. */
  | "held"
  /** To be called again; `of`: the number of the newest message. */
  | { from: number; of: number }
  /**
   * Nothing names the person any more. `isListed`: D1 has it so as well; it is written by itself, and may be asked
   * for again. `isDeserted`: everybody who is or was a member has been erased.
   */
  | { isListed: boolean; isDeserted: boolean };
