import type { Delivery, Notification, NotificationRead } from "../domain/notification.ts";

/** One of the places that a user's notifications are sent to: a device, or the host application. */
export interface Receiver {
  /** Stable: 'webhook', or 'push:' and a short hash of the endpoint. */
  readonly key: string;
  send(notification: Notification): Promise<Delivery>;
  /** Absent where nothing can be withdrawn (push: browsers forbid silent pushes). */
  sendRead?(read: NotificationRead): Promise<Delivery>;
  /** It no longer exists (`gone`): forget it. */
  forget(): void;
}
