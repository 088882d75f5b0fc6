import type { Notification, NotificationRead } from "../domain/notification.ts";

/** What the host application is sent, as docs/operations.md describes it. Hosts ignore unknown fields and types. */
export type WebhookBody =
  | {
      type: "notification";
      id: string;
      userId: string;
      conversation: { id: string; kind: string; title: string | null; url: string };
      /** `null`: the user does not want a preview. */
      message: {
        id: string;
        senderId: string;
        /** Absent: they never told their name. */
        senderName?: string;
        /** Empty for files without a text. */
        preview: string;
        attachments: number;
        /** ISO 8601. */
        createdAt: string;
      } | null;
      reason: string;
      unread: number;
      /** `null`: not known now. */
      total: number | null;
    }
  | {
      type: "notification-read";
      id: string;
      userId: string;
      conversation: { id: string };
      total: number | null;
    };

export function notificationBody(notification: Notification): WebhookBody {
  const { id, userId, conversation, message, reason, unread, total, url } = notification;
  return {
    type: "notification",
    id,
    userId,
    conversation: { id: conversation.id, kind: conversation.kind, title: conversation.title, url },
    message: message
      ? {
          id: message.id,
          senderId: message.senderId,
          ...(message.senderName !== null && { senderName: message.senderName }),
          preview: message.text,
          attachments: message.attachments,
          createdAt: new Date(message.createdAt).toISOString(),
        }
      : null,
    reason,
    unread,
    total: total ?? null,
  };
}

export function readBody({ id, userId, conversationId, total }: NotificationRead): WebhookBody {
  return {
    type: "notification-read",
    id,
    userId,
    conversation: { id: conversationId },
    total: total ?? null,
  };
}
