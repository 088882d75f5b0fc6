import type { Note } from "../conversation/outbound/subscribers/gateway-api.ts";
import { type ServerEvent, serverEvent } from "../live/events.ts";

/**
 * The client's person is not a member any more. Sent where the conversation's own event is missing or does
 * not follow on what the client has; `rev` is what it has: it can rejoin from there once its person is
 * added again.
 */
interface Expelled {
  type: "expelled";
  userId: string;
  rev: number;
}

/** An event of a conversation, and what the live protocol does not say of it. */
export interface GatewayEvent {
  conversationId: string;
  event: ServerEvent | Expelled;
  note: Note | undefined;
}

const TYPES = new Set<string>(serverEvent.options.map(({ shape }) => shape.type.value));
const CAUSES = new Set<string>(["created", "edited", "deleted", "reaction"]);

/**
 * Reads an event as a conversation wrote it. It is our own output, so its schema is not checked again.
 * During a deploy the conversation may run a newer version than this: a type that is not known here is
 * `undefined`, and a message that changed for an unknown cause counts as edited.
 */
export function readEvent(line: string): ServerEvent | undefined {
  const event: ServerEvent = JSON.parse(line);
  if (!TYPES.has(event.type)) return undefined;
  return event.type === "message" && !CAUSES.has(event.cause)
    ? { ...event, cause: "edited" }
    : event;
}

/** The revision of an event; `undefined` where it has none. */
export function revisionOf(event: ServerEvent | undefined): number | undefined {
  return event && "rev" in event ? event.rev : undefined;
}

/**
 * The event for a client that is sent a message as new once: one that changed between two pages is in both
 * of them, and the conversation cannot know that it was in the first. `introduced`: numbers of the messages
 * that were sent as new.
 */
export function introducedOnce(event: ServerEvent, introduced: Set<number>): ServerEvent {
  if (event.type !== "message" || event.cause !== "created") return event;
  const { number } = event.message;
  if (introduced.has(number)) return { ...event, cause: "edited" };
  introduced.add(number);
  return event;
}
