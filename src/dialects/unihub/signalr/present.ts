import { unreachable } from "../../../domain/error.ts";
import type { GatewayEvent } from "../../../gateway/gateway-events.ts";
import { messagesRead } from "../../../gateway/read-range.ts";
import type { InboxRow } from "../../../live/inbox-events.ts";
import { presentMessage, presentRole } from "../presenter.ts";

/** A call of a client's method: its name and its only argument. */
type Call = [method: string, argument: Record<string, unknown>];

/** An event as UniHub's clients are sent it, the same for all of them; for some, nothing. */
export function present({ conversationId, event, note }: GatewayEvent): Call[] {
  switch (event.type) {
    case "message": {
      const { rev } = event;
      const message = { ...presentMessage(conversationId, event.message), rev };
      switch (event.cause) {
        case "created":
          return [["ReceiveMessage", message]];
        case "edited":
          return [["MessageEdited", message]];
        case "deleted":
          return [["MessageDeleted", message]];
        case "reaction": {
          if (!note?.reaction) return [["MessageEdited", message]];
          const { userId, emoji, added } = note.reaction;
          const { messageId, reactions } = message;
          const reaction = { conversationId, messageId, userId, emoji, reactions, rev };
          return [[added ? "ReactionAdded" : "ReactionRemoved", reaction]];
        }
        default:
          return unreachable(event);
      }
    }
    case "member": {
      const { member, rev } = event;
      const participant = { conversationId, participantId: member.userId, rev };
      if (member.leftAt !== null) return [["ParticipantRemoved", participant]];
      if (event.cause === "role") {
        const { mutedUntil = null } = member;
        return [
          ["ParticipantChanged", { ...participant, ...presentRole(member.role), mutedUntil }],
        ];
      }
      const { name, avatarUrl } = member;
      return [["ParticipantAdded", { ...participant, name, avatarUrl }]];
    }
    case "expelled": {
      const { userId: participantId, rev } = event;
      return [["ParticipantRemoved", { conversationId, participantId, rev }]];
    }
    case "read": {
      const { userId, readAt, rev } = event;
      const messageIds = messagesRead(conversationId, event);
      const messageId = messageIds.at(-1);
      return [["MessageRead", { conversationId, messageId, messageIds, userId, readAt, rev }]];
    }
    case "typing": {
      const { userId, active: isTyping } = event;
      return [["UserTyping", { conversationId, userId, isTyping }]];
    }
    case "presence": {
      const { userId, lastSeenAt } = event;
      const method = event.online ? "UserOnline" : "UserOffline";
      return [[method, { conversationId, userId, lastSeenAt }]];
    }
    case "conversation": {
      const {
        title,
        description,
        slowModeSeconds = 0,
        purgedTo,
        locked = false,
        pins = [],
      } = event.conversation;
      const { rev } = event;
      const isArchived = event.conversation.archivedAt !== null;
      const gone = purgedTo === undefined ? {} : { purgedTo };
      const facts = { title, description, isArchived, slowModeSeconds, locked, pins, ...gone };
      return [["ConversationChanged", { conversationId, ...facts, rev }]];
    }
    case "reaction":
    case "hello":
    case "sync":
    case "ack":
    case "error":
    case "found":
      // They belong to the live protocol's sockets.
      return [];
    default:
      return unreachable(event);
  }
}

/** A row of the user's inbox that has changed. */
export function presentUpdate(row: InboxRow): Call {
  return ["ConversationUpdated", row];
}
