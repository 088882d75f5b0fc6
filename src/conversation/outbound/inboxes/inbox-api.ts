import type { InboxRow } from "../../../live/inbox-events.ts";
import type { Batch } from "../subscribers/gateway-api.ts";

/** The RPC from a conversation to the inbox of one of its members. */
export interface InboxStub {
  /**
   * Takes the newest row of a conversation. `watching`: somebody is connected to the inbox, and was sent
   * it. `away`: nobody is; the inbox has stored that it has to ask this conversation once somebody is.
   */
  update(row: InboxRow): Promise<InboxAnswer>;
  /**
   * The methods of a gateway, for conversations that are open over the inbox; `gateway` is the name of the
   * subscription.
   */
  deliver(gateway: string, batch: Batch): Promise<boolean>;
  deliverEphemeral(gateway: string, conversationId: string, line: string): Promise<boolean>;
  isSubscribed(gateway: string, conversationId: string): Promise<boolean>;
  /** Accepts the socket of the user, whom the Worker has verified. */
  fetch(request: Request): Promise<Response>;
}

export type InboxAnswer = "watching" | "away";
