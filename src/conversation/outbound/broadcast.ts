import { isLarge } from "../../domain/conversation.ts";
import type { Result } from "../../domain/error.ts";
import { messageIdOf } from "../../domain/id.ts";
import type { ServerEvent } from "../../live/events.ts";
import type { FrameId } from "../../live/frames.ts";
import { CLOSE } from "../../live/version.ts";
import {
  errorEventOf,
  type LinkTo,
  wireConversation,
  wireMember,
  wireMessage,
  wireRead,
} from "../../live/wire.ts";
import type { Commit } from "../commit/committer.ts";
import type { Answer, Change } from "../decide/types.ts";
import type { OpenConversation } from "../open.ts";
import type { Reader } from "./lines.ts";
import { notesOf } from "./notes.ts";
import { readerOf, type Session, type Sessions } from "./sockets/sessions.ts";

/**
 * Tells of a commit, in the turn in which it was made: the sockets, in one frame each, then the
 * gateways, then those who wait for an answer.
 */
export function broadcast(open: OpenConversation, { changes, outcomes }: Commit): void {
  const { sessions, subscribers, memory } = open;
  const large = isLarge(memory.counters.memberCount);
  const own = new OwnLines();
  const events = open.noLines();
  // Who went in this group hears it, and nothing that came after it.
  const departures: { userId: string; heard: number }[] = [];
  const arrivals: string[] = [];
  for (const change of changes) {
    if (change.type === "flag") continue;
    if (change.type === "read" && large) {
      const line = JSON.stringify(readEventOf(change));
      // Not broadcast, but a person's other devices follow.
      for (const session of sessions.ofUser(change.read.userId)) {
        if (session.live) own.add(session, line);
      }
    } else {
      const lean = leanEventOf(memory.conversation.id, change);
      events.add((linkTo) => eventOf(open, change, linkTo), lean);
    }
    if (change.type !== "member") continue;
    const { userId, leftAt } = change.member;
    if (leftAt === null) arrivals.push(userId);
    else departures.push({ userId, heard: events.length });
  }
  for (const { pending, result } of outcomes) {
    const { reply } = pending;
    if (reply.to !== "socket") continue;
    own.add(reply.session, JSON.stringify(ackOf(memory.conversation.id, result, reply.id)));
  }
  for (const { userId, heard } of departures) {
    takeLeave(sessions, userId, (reader) => events.for(reader).slice(0, heard), own);
  }
  sessions.deliver(events, own.bySession);
  if (open.limits.abuse) closeAbusive(open, outcomes);
  const notes = () => notesOf(open.sql, changes, large);
  subscribers.committed(events, notes, departures, memory.counters.rev);
  for (const userId of arrivals) subscribers.arrived(userId);
  for (const { pending, result } of outcomes) {
    if (pending.reply.to === "caller") pending.reply.resolve(result);
  }
}

/** The answer to a frame: what came of its command. */
export function ackOf(conversationId: string, result: Result<Answer>, id: FrameId): ServerEvent {
  if (!result.ok) return errorEventOf(result.error, id);
  const { rev, message, deduplicated, rate } = result.value;
  return {
    type: "ack",
    ...(id !== undefined && { id }),
    rev,
    ...(message && { messageId: messageIdOf(conversationId, message.number) }),
    ...(deduplicated && { deduplicated }),
    ...(rate && { remaining: rate.remaining }),
  };
}

/** Closes the sockets that go on sending although their sends are refused. */
function closeAbusive({ sessions, clock }: OpenConversation, outcomes: Commit["outcomes"]): void {
  for (const { pending, result } of outcomes) {
    const { reply } = pending;
    if (result.ok || result.error.code !== "rate_limited" || reply.to !== "socket") continue;
    if (!reply.session.budget.refusedSend(clock())) continue;
    sessions.leave(reply.session, CLOSE.abuse, "too many commands");
  }
}

/** Lines that are meant for one session and nobody else. */
class OwnLines {
  readonly bySession = new Map<Session, string[]>();

  add(session: Session, line: string): void {
    const lines = this.bySession.get(session);
    if (lines) lines.push(line);
    else this.bySession.set(session, [line]);
  }

  take(session: Session): string[] {
    const lines = this.bySession.get(session) ?? [];
    this.bySession.delete(session);
    return lines;
  }
}

/** Ends the sessions of somebody who has left, each with what it is still to hear. */
function takeLeave(
  sessions: Sessions,
  userId: string,
  eventsFor: (reader: Reader) => readonly string[],
  own: OwnLines,
): void {
  for (const session of [...sessions.ofUser(userId)]) {
    const events = session.live ? eventsFor(readerOf(session)) : [];
    const lines = [...events, ...own.take(session)];
    if (lines.length > 0) sessions.send(session, lines.join("\n"));
    sessions.leave(session, CLOSE.notAMember, "no longer a member");
  }
}

/** A reaction without its message; `undefined`: the event is as short as it can be. */
function leanEventOf(conversationId: string, change: Change): ServerEvent | undefined {
  if (change.type !== "message" || !change.reaction) return undefined;
  const { number, rev, reactions } = change.message;
  const messageId = messageIdOf(conversationId, number);
  return { type: "reaction", rev, messageId, ...change.reaction, reactions };
}

function eventOf(
  open: OpenConversation,
  change: Exclude<Change, { type: "flag" }>,
  linkTo: LinkTo,
): ServerEvent {
  const { conversation, counters } = open.memory;
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
