import type { InboxAnswer } from "../conversation/outbound/inboxes/inbox-api.ts";
import { CallTimeouts } from "../conversation/timeout.ts";
import { directoryOf, sessionOf } from "../directory/directory.ts";
import { stats } from "../directory/inbox.ts";
import { KINDS } from "../domain/conversation.ts";
import type { NotificationSettings, SettingsChange } from "../domain/notification-settings.ts";
import { ask } from "../edge/conversations.ts";
import type { Env, Settings } from "../env.ts";
import type { InboxRemoval, InboxRow, LevelEvent } from "../live/inbox-events.ts";
import { log } from "../logging.ts";
import { notified } from "../metrics.ts";
import { Deliveries } from "./deliveries.ts";
import { Levels } from "./levels.ts";
import { Notifier } from "./notifier.ts";
import { Preferences } from "./preferences.ts";
import { Devices } from "./push/devices.ts";
import { webPushOf } from "./push/web-push.ts";
import type { Receiver } from "./receiver.ts";
import { webhookOf } from "./webhook.ts";

export interface NotificationsOptions {
  env: Env;
  settings: Settings;
  sql: SqlStorage;
  userId: string;
  clock: () => number;
  /** Whether the user may be notified at all. */
  mayNotify: () => boolean;
  /** Whether the user is connected, from any device. */
  isConnected: () => boolean;
  /** Sends an event to all sockets of the inbox. */
  broadcast: (event: LevelEvent) => void;
  /** Has a conversation call the inbox from now on. */
  rearm: (conversationId: string) => void;
  /** Has {@link Notifications.check} called at a time, or sooner. */
  checkAt: (time: number) => void;
}

/** The notifications of one user: puts their preferences, the decision and the deliveries together. */
export class Notifications {
  readonly preferences: Preferences;
  readonly levels: Levels;
  private readonly notifier: Notifier;
  /** The browsers that the user is notified in. */
  readonly devices: Devices;
  private readonly deliveries: Deliveries;
  private readonly webhook: Receiver | undefined;
  private readonly timeouts = new CallTimeouts();
  private readonly mayNotify: () => boolean;

  constructor(options: NotificationsOptions) {
    this.mayNotify = options.mayNotify;
    const { env, settings, sql, userId, clock, isConnected, checkAt, broadcast, rearm } = options;
    this.preferences = new Preferences(sql);
    this.levels = new Levels({
      ...{ clock, preferences: this.preferences, broadcast, checkAt },
      onEnd: rearm,
    });
    this.devices = new Devices({ sql, clock, push: webPushOf(settings, clock) });
    this.webhook = webhookOf(settings, clock);
    this.deliveries = new Deliveries({
      ...{ sql, userId, clock, callAt: checkAt },
      receivers: () => this.receivers(),
      compose: (conversationId, pending) => this.notifier.compose(conversationId, pending),
      onAttempt: (receiver, outcome, ms) =>
        notified(env.METRICS, receiver === "webhook" ? "webhook" : "push", outcome, ms),
      onFailure: (fields) => log("notification_failed", { userId, ...fields }),
    });
    this.notifier = new Notifier({
      ...{ sql, userId, clock, isConnected, checkAt },
      ...{ preferences: this.preferences, deliveries: this.deliveries },
      canNotify: () => this.receivers().some(({ key }) => !this.deliveries.isStopped(key)),
      ask: (conversationId, query) =>
        this.timeouts.limit(ask({ env }, conversationId, (stub) => stub.notifiable(query))),
      total: async () => {
        const directory = directoryOf(sessionOf(env.DB, undefined));
        return (await stats(directory, userId, KINDS)).totalUnread;
      },
      urlOf: (conversationId) => `${settings.PUBLIC_URL ?? ""}/#/c/${conversationId}`,
      onFailure: (conversationId, error) =>
        log("notification_failed", { userId, conversationId, error }),
    });
  }

  /** Takes the newest row of a conversation; what it is to call the inbox for while nobody watches it. */
  changed(row: InboxRow): Exclude<InboxAnswer, "watching"> {
    if ("removed" in row) this.preferences.forget(row.conversationId);
    return this.notifier.changed(row);
  }

  /** A conversation was deleted: notifications of it are withdrawn, and nothing else is kept. */
  deleted(removal: InboxRemoval): void {
    this.changed(removal);
  }

  /** Takes a row that the inbox has asked for. */
  asked(row: InboxRow): void {
    if ("removed" in row) this.preferences.forget(row.conversationId);
    this.notifier.asked(row);
  }

  setSettings(change: SettingsChange): NotificationSettings {
    const settings = this.preferences.setSettings(change);
    this.notifier.settingsChanged();
    return settings;
  }

  /** Sets the level of a conversation, `undefined` the default one; what holds then. */
  setLevel(
    ...[conversationId, kind, chosen]: Parameters<Levels["set"]>
  ): ReturnType<Levels["set"]> {
    const set = this.levels.set(conversationId, kind, chosen);
    this.notifier.levelChanged(conversationId);
    return set;
  }

  /** A connection was opened or has ended. Whether the user can be notified again, as they could not before. */
  connectionsChanged(isConnected: boolean): boolean {
    const isBack = isConnected && this.deliveries.cameBack();
    this.notifier.connectionsChanged();
    return isBack;
  }

  /** Notifies of what is due, and repeats what could not be delivered. */
  async check(): Promise<void> {
    this.levels.check();
    await Promise.all([this.notifier.check(), this.deliveries.check()]);
  }

  private receivers(): Receiver[] {
    if (!this.mayNotify()) return [];
    const devices = this.devices.receivers();
    return this.webhook ? [this.webhook, ...devices] : devices;
  }
}
