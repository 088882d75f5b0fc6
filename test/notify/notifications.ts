import type { Notification } from "../../src/domain/notification.ts";
import { NOTIFICATION_TTL_MS } from "../../src/domain/notification.ts";

/** A notification of a direct conversation; `more` replaces parts of it. */
export function notificationOf(more: Partial<Notification> & { conversationId: string }) {
  const { conversationId, ...rest } = more;
  const notification: Notification = {
    id: crypto.randomUUID(),
    userId: "bob",
    conversation: { id: conversationId, kind: "direct", title: null },
    message: {
      id: `${conversationId}-1`,
      senderId: "alice",
      senderName: "Alice Ä.",
      text: "Hello 👋",
      attachments: 0,
      createdAt: Date.UTC(2026, 10, 28, 12),
    },
    reason: "message",
    unread: 2,
    total: 5,
    url: `https://chat.example/#${conversationId}`,
    read: [],
    expiresAt: Date.now() + NOTIFICATION_TTL_MS,
    ...rest,
  };
  return notification;
}
