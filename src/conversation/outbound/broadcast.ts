import { isLarge } from "../../domain/conversation.ts";
import { messageIdOf } from "../../domain/id.ts";
import type { ServerEvent } from "../../live/events.ts";
import {
  type LinkTo,
  wireConversation,
  wireMember,
  wireMessage,
  wireRead,
} from "../../live/wire.ts";
import type { Memory } from "../commit/draft.ts";
import type { Change } from "../decide/types.ts";
import type { EventLines } from "./event-lines.ts";

/** The events of a commit, and whom they concern in particular. */
export interface Broadcast {
  events: EventLines;
  /** Whether the conversation is large: some of what changed is not broadcast. */
  large: boolean;
  departures: Departure[];
  /** Members who joined. */
  arrivals: string[];
  /** Events for the other sockets of one user only. */
  ownEvents: { userId: string; line: string }[];
}

/** A member who left or was removed in a commit. */
export interface Departure {
  userId: string;
  /** How many of its events, the first ones, they still get: up to that of their departure. */
  eventCount: number;
}

type Presented = Exclude<Change, { type: "flag" }>;

/**
 * Prepares the events of a commit; `events` is empty, and gets them in the order of the changes. `isHidden`:
 * nobody else is shown what a member has read.
 */
export function prepareBroadcast(
  memory: Memory,
  changes: readonly Change[],
  events: EventLines,
  isHidden: (userId: string) => boolean,
): Broadcast {
  const large = isLarge(memory.counters.memberCount);
  const broadcast: Broadcast = { events, large, departures: [], arrivals: [], ownEvents: [] };
  for (const change of changes) {
    if (change.type === "flag") continue;
    if (change.type === "read" && (large || isHidden(change.read.userId))) {
      // Not broadcast, but shown on the reader's other devices.
      const line = JSON.stringify(readEventOf(change));
      broadcast.ownEvents.push({ userId: change.read.userId, line });
    } else {
      const lean = leanEventOf(memory.conversation.id, change);
      events.add((linkTo) => eventOf(memory, change, linkTo), lean);
    }
    if (change.type !== "member") continue;
    const { userId, leftAt } = change.member;
    if (leftAt === null) broadcast.arrivals.push(userId);
    else broadcast.departures.push({ userId, eventCount: events.length });
  }
  return broadcast;
}

/** A reaction without its message; `undefined`: the event has no shorter form. */
function leanEventOf(conversationId: string, change: Change): ServerEvent | undefined {
  if (change.type !== "message" || !change.reaction) return undefined;
  const { number, rev, reactions } = change.message;
  const messageId = messageIdOf(conversationId, number);
  return { type: "reaction", rev, messageId, ...change.reaction, reactions };
}

function eventOf(
  { conversation, counters }: Memory,
  change: Presented,
  linkTo: LinkTo,
): ServerEvent {
  switch (change.type) {
    case "message": {
      const message = wireMessage(conversation.id, change.message, linkTo);
      return { type: "message", rev: message.rev, cause: change.cause, message };
    }
    case "member": {
      const member = wireMember(change.member);
      return { type: "member", rev: member.rev, cause: change.cause, member };
    }
    case "read":
      return readEventOf(change);
    case "conversation": {
      const { rev } = change.conversation;
      return {
        type: "conversation",
        rev,
        conversation: wireConversation(change.conversation, counters),
      };
    }
  }
}

function readEventOf({ read }: Extract<Change, { type: "read" }>): ServerEvent {
  return { type: "read", ...wireRead(read) };
}
