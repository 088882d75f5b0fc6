import { isLarge } from "../../domain/conversation.ts";
import { effectOfBlocks, type Hides, shownTo } from "../../domain/hides.ts";
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
import type { EventForms, EventLines, ShownForms } from "./event-lines.ts";

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
  /** Users from whom something is hidden from now on, or no longer: they are shown everything anew. */
  shownAnew: Set<string>;
  /** Who may see from now on whether a user is connected, or no longer. */
  visibility: { userId: string; reader: string }[];
}

/** A member who left or was removed in a commit. */
export interface Departure {
  userId: string;
  /** How many of its events, the first ones, they still get: up to that of their departure. */
  eventCount: number;
}

type Presented = Exclude<Change, { type: "flag" | "block" }>;

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
  const broadcast: Broadcast = {
    ...{ events, large, departures: [], arrivals: [], ownEvents: [] },
    ...{ shownAnew: new Set(), visibility: [] },
  };
  const isHiding = effectOfBlocks(memory.conversation.kind) === "hide";
  for (const change of changes) {
    if (change.type === "flag") continue;
    if (change.type === "block") {
      if (!change.isSwitched) continue;
      const { userId, blockedId } = change.block;
      broadcast.visibility.push({ userId: blockedId, reader: userId });
      if (isHiding) broadcast.shownAnew.add(userId);
      else broadcast.visibility.push({ userId, reader: blockedId });
      continue;
    }
    if (change.type === "read" && (large || isHidden(change.read.userId))) {
      // Not broadcast, but shown on the reader's other devices.
      const line = JSON.stringify(readEventOf(change));
      broadcast.ownEvents.push({ userId: change.read.userId, line });
    } else {
      const { event, lean } = formsOf(memory, change);
      events.add(event, lean, isHiding ? (hides) => shownForms(memory, change, hides) : undefined);
    }
    if (change.type !== "member") continue;
    const { userId, leftAt } = change.member;
    if (leftAt === null) broadcast.arrivals.push(userId);
    else broadcast.departures.push({ userId, eventCount: events.length });
  }
  // Whoever has left is shown nothing of what came after that.
  for (const { userId } of broadcast.departures) broadcast.shownAnew.delete(userId);
  return broadcast;
}

function formsOf(memory: Memory, change: Presented): EventForms {
  return {
    event: (linkTo) => eventOf(memory, change, linkTo),
    lean: leanEventOf(memory.conversation.id, change),
  };
}

function shownForms(memory: Memory, change: Presented, hides: Hides): ReturnType<ShownForms> {
  const shown = changeShownTo(change, hides);
  if (shown === change) return "the same";
  return shown && formsOf(memory, shown);
}

/** A change as those see it who hide some people; `undefined`: they do not. */
function changeShownTo(change: Presented, hides: Hides): Presented | undefined {
  switch (change.type) {
    case "message": {
      const { message, reaction } = change;
      const isOfHidden = message.senderId !== null && hides.has(message.senderId);
      if (reaction && (isOfHidden || hides.has(reaction.userId))) return undefined;
      const shown = shownTo(message, hides);
      return shown === message ? change : { ...change, message: shown };
    }
    case "read":
      return hides.has(change.read.userId) ? undefined : change;
    default:
      return change;
  }
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
