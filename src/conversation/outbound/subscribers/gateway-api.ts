import type { Receipt } from "../../../domain/message.ts";
import type { Reacted } from "../../decide/types.ts";

/** What a conversation and the gateways that listen to it say to each other. */

/** Each protocol has a class of objects of its own: an object has one auto-response. */
export type Protocol = "socketio" | "signalr";

/** Where a gateway is to be found. */
export interface GatewayAddress {
  /** The name of its object. */
  gateway: string;
  protocol: Protocol;
  /** The address that its person came in by. */
  origin: string;
}

/** A gateway as a conversation remembers it. */
export interface Subscriber extends GatewayAddress {
  userId: string;
  /** Whether its person is a member, and online by it; staff may listen without being one. */
  counted: boolean;
}

/** What one commit changed, or a page of what was missed. */
export interface Batch {
  conversationId: string;
  /** It holds everything after `from` up to `to`. */
  from: number;
  to: number;
  /** Events of the live protocol as JSON, in order of revision. */
  lines: readonly string[];
  /** What the live protocol does not say of some of the events. */
  notes: Note[];
  /** The gateway is no listener any more. */
  last?: true;
  /** Of what was missed: there is more after `to`. */
  more?: true;
}

export interface Note {
  /** Of the event that it belongs to. */
  rev: number;
  /** Who left or took back which emoji. */
  reaction?: Reacted;
  /** Who has read the message; absent: nobody, as with a new one. */
  readers?: Receipt[];
}

/** What a gateway learns when it begins to listen. */
export interface Subscribed {
  /** The newest revision: what comes after it will be passed on. */
  rev: number;
  /** Who is there; nobody is named in a large conversation. */
  online: string[];
}

/** What a conversation may ask of a gateway. False, each of them: it does not listen (any more). */
export interface GatewayStub {
  /** Takes what a commit changed, in order. */
  deliver(batch: Batch): Promise<boolean>;
  /** Takes an event that has no revision. */
  deliverEphemeral(conversationId: string, line: string): Promise<boolean>;
  isSubscribed(conversationId: string): Promise<boolean>;
}
