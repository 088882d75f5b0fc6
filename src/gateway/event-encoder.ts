import type { Batch, Note } from "../conversation/outbound/subscribers/gateway-api.ts";
import type { ServerEvent } from "../live/events.ts";
import { BoundedCache } from "./bounded-cache.ts";
import { type GatewayEvent, introducedOnce, readEvent, revisionOf } from "./gateway-events.ts";

/** An event, and the messages of a protocol that its clients are sent for it; for some events, none. */
export interface EncodedEvent {
  event: ServerEvent;
  messages: readonly string[];
}

/** A batch as one protocol's clients are sent it. */
interface EncodedBatch {
  /** Of each event with messages, in order of revision. */
  events: readonly { rev: number; messages: readonly string[] }[];
  /** All of these messages. */
  messages: readonly string[];
}

/**
 * What is kept for the other gateways of a broadcast, which follow within milliseconds. An idle isolate
 * keeps at most this until the platform ends it: a timer that clears it would keep objects from hibernating.
 */
const BOUNDS = { entries: 64, units: 512 * 1024 };

/**
 * The events of conversations as messages of one protocol. All gateways of a protocol in an isolate share
 * one encoder: what a commit changed is parsed and encoded for the first of them, and looked up for the
 * others. `encode` must therefore depend on its argument alone, not on who is sent the messages.
 */
export class EventEncoder {
  private readonly encode: (event: GatewayEvent) => string[];
  private readonly batches = new BoundedCache<EncodedBatch>(BOUNDS);
  private readonly ephemerals = new BoundedCache<EncodedEvent>(BOUNDS);

  constructor(encode: (event: GatewayEvent) => string[]) {
    this.encode = encode;
  }

  /** The messages for the events of a batch that come after a revision. */
  messagesOf(batch: Batch, after: number): readonly string[] {
    const { conversationId, lines, notes } = batch;
    const extra = notes.length > 0 ? JSON.stringify(notes) : "";
    // Everything that goes into the messages. The parts are JSON without line breaks.
    const key = `${conversationId}\n${extra}\n${lines.join("\n")}`;
    let encoded = this.batches.get(key);
    if (!encoded) {
      encoded = this.encodedBatch(batch);
      this.batches.set(key, encoded, unitsOf(encoded.messages));
    }
    const { events, messages } = encoded;
    if ((events[0]?.rev ?? 0) > after) return messages;
    return events.flatMap((event) => (event.rev > after ? event.messages : []));
  }

  /**
   * The same for a page that a gateway catches up with. Pages are not kept: they differ by where a client
   * was. `introduced`: see {@link introducedOnce}.
   */
  pageMessages(
    { conversationId, lines, notes }: Batch,
    after: number,
    introduced: Set<number>,
  ): string[] {
    return eventsOf(lines, notes).flatMap(({ event, rev, note }) =>
      rev > after
        ? this.encode({ conversationId, event: introducedOnce(event, introduced), note })
        : [],
    );
  }

  /** An event without a revision, as a conversation wrote it; `undefined`: its type is not known. */
  ephemeral(conversationId: string, line: string): EncodedEvent | undefined {
    const key = `${conversationId}\n${line}`;
    const known = this.ephemerals.get(key);
    if (known) return known;
    const event = readEvent(line);
    if (!event) return undefined;
    const encoded = { event, messages: this.encodeOne({ conversationId, event, note: undefined }) };
    // The event takes about as much as its line.
    this.ephemerals.set(key, encoded, line.length + unitsOf(encoded.messages));
    return encoded;
  }

  /** The messages for one event; they are not kept. */
  encodeOne(event: GatewayEvent): readonly string[] {
    return this.encode(event);
  }

  private encodedBatch({ conversationId, lines, notes }: Batch): EncodedBatch {
    const events = eventsOf(lines, notes)
      .map(({ event, rev, note }) => ({
        rev,
        messages: this.encode({ conversationId, event, note }),
      }))
      .filter(({ messages }) => messages.length > 0);
    return { events, messages: events.flatMap(({ messages }) => messages) };
  }
}

/** The events that have a revision, and the notes on them. */
function eventsOf(lines: readonly string[], notes: readonly Note[]) {
  const byRev = new Map(notes.map((note) => [note.rev, note]));
  return lines.flatMap((line) => {
    const event = readEvent(line);
    const rev = revisionOf(event);
    return event && rev !== undefined ? [{ event, rev, note: byRev.get(rev) }] : [];
  });
}

function unitsOf(messages: readonly string[]): number {
  return messages.reduce((units, message) => units + message.length, 0);
}
