import type { Receipt } from "../../../domain/message.ts";
import type { ConnectionPresence } from "../../../domain/presence.ts";
import type { InboxRow } from "../../../live/inbox-events.ts";
import type { Reacted } from "../../decide/types.ts";

/** The RPC between a conversation and the gateways and inboxes that are subscribed to it. */

/** Each protocol has its own class of objects, because an object has one auto-response. */
export type Protocol = "socketio" | "signalr";

/** What may be subscribed: gateways, and inboxes over which the conversation is open. */
export type SubscriberProtocol = Protocol | "inbox";

/** How a gateway is reached. */
export interface GatewayAddress {
  /** The name of its object; of an inbox, see `inbox-address.ts`. */
  gateway: string;
  protocol: SubscriberProtocol;
  /** The address that its person connected to. */
  origin: string;
}

/** The same with what is known of its person; those of the previous version say nothing, and are shown. */
export interface PresentGateway extends GatewayAddress {
  presence?: ConnectionPresence | undefined;
}

/** A gateway as a conversation stores it. */
export interface Subscriber extends GatewayAddress {
  userId: string;
  /** Whether others may see that its person is connected. */
  visible: boolean;
  /** Whether its person is a member, and online by it; staff may be subscribed without being one. */
  counted: boolean;
}

/** What one commit changed, or a page of `eventsSince`. */
export interface Batch {
  conversationId: string;
  /** The revisions that it covers: after `from`, up to `to`. */
  from: number;
  to: number;
  /** Events of the live protocol as JSON, in order of revision. */
  lines: readonly string[];
  /** What the live protocol leaves out of some of the events. */
  notes: Note[];
  /** The gateway is no longer subscribed. */
  last?: true;
  /** With `last`: because the conversation was deleted. */
  deleted?: true;
  /** Of `eventsSince`: there is more after `to`. */
  more?: true;
  /**
   * The revision with which the epoch began, where that is not the first one. What a client has up to a lower
   * one is of an earlier epoch, and cannot be brought up to date.
   */
  beganAt?: number;
}

export interface Note {
  /** The revision of its event. */
  rev: number;
  /** Who added or removed which emoji. */
  reaction?: Reacted;
  /** Who has read the message; absent: no one, as with a new one. */
  readers?: Receipt[];
}

/** The answer to `subscribe`. */
export interface Subscribed {
  /** The newest revision: every later one will be delivered. */
  rev: number;
  /** Who is online; empty in a large conversation. */
  online: string[];
  /** As of a {@link Batch}. */
  beganAt?: number;
}

/** The methods of a subscriber. Each resolves to false where it is not, or no longer, subscribed. */
export interface SubscriberStub {
  /** Takes what a commit changed; commits come in order. */
  deliver(batch: Batch): Promise<boolean>;
  /** Takes an event that has no revision. */
  deliverEphemeral(conversationId: string, line: string): Promise<boolean>;
  isSubscribed(conversationId: string): Promise<boolean>;
}

/** The methods of a gateway. */
export interface GatewayStub extends SubscriberStub {
  /** Whether it is the connection of a user, and open. */
  isConnected(userId: string): Promise<boolean>;
  /** Ends the connection if it is a user's, because they are banned; may be called twice. */
  evict(userId: string): Promise<boolean>;
  /** Takes what its user's inbox says of their presence, for the conversations that it has joined. */
  presenceOf(userId: string, presence: ConnectionPresence): Promise<boolean>;
  /** Takes a row of its user's inbox; false: it does not follow the inbox, or not any more. */
  deliverRow(row: InboxRow): Promise<boolean>;
}
