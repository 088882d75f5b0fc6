import * as z from "zod";
import * as live from "../live/events.ts";

/**
 * What a client accepts of what a server sends: the schemas of the protocol, read tolerantly. A newer
 * server may add fields, which are ignored, and names to a list of names, which are kept as they are. A
 * row of a list that cannot be read is left out.
 */

/** One of the names that this version knows, or one that only a newer server does. */
export type Open<Name extends string> = Name | (string & Record<never, never>);

export function open<Name extends string>(_names: z.ZodType<Name>) {
  return z.string().transform((name): Open<Name> => name);
}

export function rows<Row extends z.ZodType>(row: Row) {
  return z.array(z.unknown()).transform((list) =>
    list.flatMap((value) => {
      const read = row.safeParse(value);
      return read.success ? [read.data] : [];
    }),
  );
}

const { shape } = live.wireMessage;
const message = live.wireMessage.extend({
  kind: open(shape.kind),
  attachments: rows(live.wireAttachment),
  reactions: rows(shape.reactions.element),
});
const member = live.wireMember.extend({ role: open(live.wireMember.shape.role) });
const conversation = live.wireConversation.extend({
  kind: open(live.wireConversation.shape.kind),
  visibility: open(live.wireConversation.shape.visibility),
});
const { you } = live.helloEvent.shape;

export const serverEvent = z.discriminatedUnion("type", [
  live.helloEvent.extend({ you: you.extend({ role: open(you.shape.role) }), conversation }),
  live.syncEvent.extend({
    messages: rows(message),
    members: rows(member),
    reads: rows(live.wireRead),
    conversation: conversation.nullable().catch(null),
  }),
  live.messageEvent.extend({ cause: open(live.messageEvent.shape.cause), message }),
  live.reactionEvent.extend({ reactions: rows(shape.reactions.element) }),
  live.memberEvent.extend({ cause: open(live.memberEvent.shape.cause), member }),
  live.readEvent,
  live.conversationEvent.extend({ conversation }),
  live.typingEvent,
  live.presenceEvent,
  live.ackEvent,
  live.errorEvent,
]);

/** The types of events that {@link serverEvent} reads. */
export const serverEventTypes = typesOf(serverEvent);

/** The types of the events of a union. */
export function typesOf(union: {
  options: readonly { shape: { type: { value: string } } }[];
}): ReadonlySet<unknown> {
  return new Set(union.options.map((option) => option.shape.type.value));
}

export type ServerEvent = z.output<typeof serverEvent>;
export type EventOf<Type extends ServerEvent["type"]> = Extract<ServerEvent, { type: Type }>;
export type WireMessage = z.output<typeof message>;
export type WireMember = z.output<typeof member>;
export type WireConversation = z.output<typeof conversation>;
export type WireRead = z.output<typeof live.wireRead>;
