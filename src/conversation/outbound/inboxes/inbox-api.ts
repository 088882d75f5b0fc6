import type { InboxRow } from "../../../live/inbox-events.ts";

/** The RPC from a conversation to the inbox of one of its members. */
export interface InboxStub {
  /**
   * Takes the newest row of a conversation. `watching`: somebody is connected to the inbox, and was sent
   * it. `away`: nobody is; the inbox has stored that it has to ask this conversation once somebody is.
   */
  update(row: InboxRow): Promise<InboxAnswer>;
  /** Accepts the socket of the user, whom the Worker has verified. */
  fetch(request: Request): Promise<Response>;
}

export type InboxAnswer = "watching" | "away";
