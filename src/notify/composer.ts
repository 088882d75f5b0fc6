import { CallTimeouts } from "../conversation/timeout.ts";
import {
  MAX_READ_NAMED,
  NOTIFICATION_TTL_MS,
  type Notifiable,
  type Notification,
} from "../domain/notification.ts";
import type { Preferences } from "./preferences.ts";
import type { States } from "./states.ts";

/** For so long a total that was read is used for other notifications. */
const TOTAL_FRESH_MS = 1_000;
/** A notification that waits longer for its total would tell what may have been read since. */
const TOTAL_WAIT_MS = 500;

export interface ComposerOptions {
  userId: string;
  clock: () => number;
  preferences: Preferences;
  states: States;
  /** Unread messages of all conversations. */
  total: () => Promise<number>;
  urlOf: (conversationId: string) => string;
  onFailure: (conversationId: string | undefined, error: unknown) => void;
}

/** Makes notifications of what conversations have to notify of. */
export class Composer {
  private readonly options: ComposerOptions;
  private readonly totals = new CallTimeouts(TOTAL_WAIT_MS);
  private known: { at: number; total: Promise<number | undefined> } | undefined;

  constructor(options: ComposerOptions) {
    this.options = options;
  }

  async notificationOf(
    { conversation, message, reason, unread }: Notifiable,
    id: string,
  ): Promise<Notification> {
    const { userId, preferences, urlOf } = this.options;
    return {
      ...{ id, userId, conversation, reason, unread },
      message: preferences.settings.preview ? message : undefined,
      total: await this.total(),
      url: urlOf(conversation.id),
      read: this.readLately(),
      expiresAt: message.createdAt + NOTIFICATION_TTL_MS,
    };
  }

  /** One read of D1 for all notifications of a moment; `undefined`: it cannot be read. */
  total(): Promise<number | undefined> {
    const { clock, total, onFailure } = this.options;
    const now = clock();
    if (!this.known || now - this.known.at > TOTAL_FRESH_MS) {
      const failed = (error: unknown) => void onFailure(undefined, error);
      this.known = { at: now, total: this.totals.limit(total()).catch(failed) };
    }
    return this.known.total;
  }

  private readLately(): string[] {
    return this.options.states
      .all()
      .filter(({ readAt }) => readAt !== undefined)
      .sort((a, b) => (b.readAt ?? 0) - (a.readAt ?? 0))
      .slice(0, MAX_READ_NAMED)
      .map(({ conversationId }) => conversationId);
  }
}
