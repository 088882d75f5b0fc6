import type { Batch, Note } from "../conversation/outbound/subscribers/gateway-api.ts";
import { type ServerEvent, serverEvent } from "../live/events.ts";

/**
 * The client's person is no member any more. Where the conversation's own word of it is missing, or does
 * not follow on what was told, its `rev` is where the client had come to: from there it can go on when
 * its person is added again.
 */
interface Expelled {
  type: "expelled";
  userId: string;
  rev: number;
}

/** An event of a conversation, and what else is known of it. */
export interface GatewayEvent {
  conversationId: string;
  event: ServerEvent | Expelled;
  note: Note | undefined;
}

/**
 * The events of a batch that come after a revision. `introduced`: messages that a client was told of as
 * new ones while it was caught up with.
 */
export function gatewayEventsOf(
  { conversationId, lines, notes }: Batch,
  after: number,
  introduced?: Set<number>,
): GatewayEvent[] {
  const byRev = new Map(notes.map((note) => [note.rev, note]));
  return parsedEvents(lines).flatMap((event): GatewayEvent[] => {
    if (!("rev" in event) || event.rev <= after) return [];
    const note = byRev.get(event.rev);
    return [{ conversationId, event: introduced ? newOnce(event, introduced) : event, note }];
  });
}

/** The revision of the removal that a last batch ends with; one that tells of nothing, how far it goes. */
export function removalIn({ lines, to }: Batch): number {
  const event = parsedEvents(lines.slice(-1))[0];
  return event && "rev" in event ? event.rev : to;
}

/** Events as a conversation has written them, a line each. */
export function parsedEvents(lines: readonly string[]): ServerEvent[] {
  return lines.map((line) => serverEvent.parse(JSON.parse(line)));
}

/**
 * What is new to a client is new once: a message that changed between two pages is in both of them, and
 * the conversation cannot know that the first one told of it.
 */
function newOnce(event: ServerEvent, introduced: Set<number>): ServerEvent {
  if (event.type !== "message" || event.cause !== "created") return event;
  const { number } = event.message;
  if (introduced.has(number)) return { ...event, cause: "edited" };
  introduced.add(number);
  return event;
}
