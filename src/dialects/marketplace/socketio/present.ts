import { unreachable } from "../../../domain/error.ts";
import type { GatewayEvent } from "../../../gateway/gateway-events.ts";
import { messagesRead } from "../../../gateway/read-range.ts";
import type { InboxRow } from "../../../live/inbox-events.ts";
import { presentMember, presentMessage } from "../presenter.ts";

/** An event: its name and its only argument. */
type Emitted = [name: string, payload: Record<string, unknown>];

/** An event as the marketplace's clients are sent it, the same for all of them; for some, nothing. */
export function present({ conversationId: chatId, event, note }: GatewayEvent): Emitted[] {
  switch (event.type) {
    case "message": {
      const { rev, cause } = event;
      const message = presentMessage(chatId, event.message, note?.readers ?? []);
      const names = {
        created: "new-message",
        edited: "message-edited",
        // The reference has no event for it, and its messages have reactions.
        reaction: "message-edited",
        deleted: "message-deleted",
      };
      return [[names[cause], { chatId, message, rev }]];
    }
    case "member": {
      const { member, rev } = event;
      if (member.leftAt !== null) {
        return [["participant-removed", { chatId, participantId: member.userId, rev }]];
      }
      if (event.cause === "role") {
        const { mutedUntil = null } = member;
        const participant = { ...presentMember(member), mutedUntil };
        return [["participant-changed", { chatId, participant, rev }]];
      }
      return [["participants-added", { chatId, participants: [presentMember(member)], rev }]];
    }
    case "expelled": {
      const { userId: participantId, rev } = event;
      return [["participant-removed", { chatId, participantId, rev }]];
    }
    case "read": {
      const { userId, readAt, rev } = event;
      const messageIds = messagesRead(chatId, event);
      return [["messages-read", { chatId, userId, messageIds, readAt, rev }]];
    }
    case "typing":
      return [["user-typing", { chatId, userId: event.userId, isTyping: event.active }]];
    case "conversation": {
      const {
        title,
        slowModeSeconds = 0,
        locked = false,
        pins = [],
        purgedTo,
      } = event.conversation;
      const gone = purgedTo === undefined ? {} : { purgedTo };
      const facts = { title, slowModeSeconds, locked, pins, ...gone };
      return [["chat-changed", { chatId, ...facts, rev: event.rev }]];
    }
    case "presence":
    case "reaction":
    case "hello":
    case "sync":
    case "ack":
    case "error":
    case "found":
      // The reference has no event for the first; the others belong to the live protocol's sockets.
      return [];
    default:
      return unreachable(event);
  }
}

/** A row of the inbox as this dialect shows it; it has no channels. */
export function presentRow(row: InboxRow): object | undefined {
  const { conversationId: chatId, ...rest } = row;
  return "kind" in row && row.kind === "channel" ? undefined : { chatId, ...rest };
}

/** The same as the event that tells of it. */
export function presentUpdate(row: InboxRow): [name: string, payload: object] | undefined {
  const presented = presentRow(row);
  return presented && ["chat-updated", presented];
}
