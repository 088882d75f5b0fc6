import * as z from "zod";
import { ackEvent, errorEvent } from "../live/events.ts";
import * as live from "../live/inbox-events.ts";
import { open, typesOf } from "./received.ts";

/** What a client accepts of what a server sends over an inbox socket, read as tolerantly as other events. */

const { kind, lastMessage, level } = live.inboxEntry.shape;
const preview = lastMessage.unwrap();

const entry = live.inboxEntry.extend({
  kind: open(kind),
  lastMessage: preview.extend({ kind: open(preview.shape.kind) }).nullable(),
  level: open(level.unwrap()).optional(),
});
/** A row that cannot be read still names its conversation, which is therefore not gone. */
const named = z.object({ conversationId: z.string() });

/** The rows of an event; what does not even name a conversation is left out. */
const rows = z.array(z.unknown()).transform((list) => {
  const read: { changed: (InboxRow | InboxRemoval)[]; unreadable: string[] } = {
    changed: [],
    unreadable: [],
  };
  for (const value of list) {
    const row = z.union([live.inboxRemoval, entry]).safeParse(value);
    if (row.success) read.changed.push(row.data);
    else read.unreadable.push(named.safeParse(value).data?.conversationId ?? "");
  }
  return read;
});

export const inboxServerEvent = z.discriminatedUnion("type", [
  live.inboxHelloEvent,
  live.inboxEvent.extend({ rows }),
  live.levelEvent.extend({ level: open(level.unwrap()).optional() }),
  // The conversation's own session reads its events.
  live.conversationWrapper.extend({ event: z.unknown() }),
  live.closedEvent,
  ackEvent,
  errorEvent,
]);

/** An answer to a command. */
export const inboxAnswer = z.discriminatedUnion("type", [ackEvent, errorEvent]);

/** The types of events that {@link inboxServerEvent} reads. */
export const inboxEventTypes = typesOf(inboxServerEvent);

export type InboxServerEvent = z.output<typeof inboxServerEvent>;
/** A conversation of the inbox. */
export type InboxRow = z.output<typeof entry>;
export type InboxRemoval = z.output<typeof live.inboxRemoval>;
export type InboxEventOf<Type extends InboxServerEvent["type"]> = Extract<
  InboxServerEvent,
  { type: Type }
>;
