import { directoryOf, sessionOf } from "../directory/directory.ts";
import { stats } from "../directory/inbox.ts";
import { KINDS } from "../domain/conversation.ts";
import { ask } from "../edge/conversations.ts";
import type { Env, Settings } from "../env.ts";
import { log } from "../logging.ts";
import { Deliveries } from "./deliveries.ts";
import { Notifier } from "./notifier.ts";
import { Preferences } from "./preferences.ts";
import type { Receiver } from "./receiver.ts";

export interface NotificationsOptions {
  env: Env;
  settings: Settings;
  sql: SqlStorage;
  userId: string;
  clock: () => number;
  /** Whether the user is connected, from any device. */
  isConnected: () => boolean;
  /** Has {@link Notifications.check} called at a time, or sooner. */
  checkAt: (time: number) => void;
}

/** The notifications of one user: puts their preferences, the decision and the deliveries together. */
export class Notifications {
  readonly preferences: Preferences;
  readonly notifier: Notifier;
  private readonly deliveries: Deliveries;

  constructor(options: NotificationsOptions) {
    const { env, settings, sql, userId, clock, isConnected, checkAt } = options;
    this.preferences = new Preferences(sql);
    this.deliveries = new Deliveries({
      ...{ sql, userId, clock, callAt: checkAt },
      receivers: () => this.receivers(),
      compose: (conversationId, pending) => this.notifier.compose(conversationId, pending),
      onFailure: (fields) => log("notification_failed", { userId, ...fields }),
    });
    this.notifier = new Notifier({
      ...{ sql, userId, clock, isConnected, checkAt },
      ...{ preferences: this.preferences, deliveries: this.deliveries },
      canNotify: () => this.receivers().length > 0,
      ask: (conversationId, query) =>
        ask({ env }, conversationId, (stub) => stub.notifiable(query)),
      total: async () => {
        const directory = directoryOf(sessionOf(env.DB, undefined));
        return (await stats(directory, userId, KINDS)).totalUnread;
      },
      urlOf: (conversationId) => `${settings.PUBLIC_URL ?? ""}/#/c/${conversationId}`,
      onFailure: (conversationId, error) =>
        log("notification_failed", { userId, conversationId, error }),
    });
  }

  /** A connection was opened or has ended. */
  connectionsChanged(isConnected: boolean): void {
    if (isConnected) this.deliveries.cameBack();
    this.notifier.connectionsChanged();
  }

  /** Notifies of what is due, and repeats what could not be delivered. */
  async check(): Promise<void> {
    await Promise.all([this.notifier.check(), this.deliveries.check()]);
  }

  private receivers(): Receiver[] {
    return [];
  }
}
