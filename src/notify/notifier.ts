import { backoffMs } from "../conversation/outbound/backoff.ts";
import type { InboxAnswer } from "../conversation/outbound/inboxes/inbox-api.ts";
import type { Kind } from "../domain/conversation.ts";
import type { NotifiableAnswer, NotifiableQuery, Notification } from "../domain/notification.ts";
import {
  asked,
  broughtForward,
  type Circumstances,
  cleared,
  closed,
  due,
  GRACE_MS,
  type Notifying,
  nothingNotified,
  postponed,
  read,
  renewed,
  rescheduled,
  sent,
  withdrawn,
} from "../domain/notifying.ts";
import type { InboxRow } from "../live/inbox-events.ts";
import { Composer, type ComposerOptions } from "./composer.ts";
import type { Deliveries } from "./deliveries.ts";
import { Sending } from "./sending.ts";
import { States } from "./states.ts";
import { Slots } from "./turns.ts";

/** Conversations that are asked, and notified of, at the same time. */
const CONCURRENT = 6;
/** A conversation that had nothing to notify of yet is not asked again sooner. */
const ASK_AGAIN_MS = 1_000;

export interface NotifierOptions extends Omit<ComposerOptions, "states"> {
  sql: SqlStorage;
  deliveries: Pick<Deliveries, "deliver" | "read">;
  /** Whether there is anything to notify the user with: a device, or the host application. */
  canNotify: () => boolean;
  /** Whether the user is connected, from any device. */
  isConnected: () => boolean;
  /** Asks a conversation; may be made twice. */
  ask: (conversationId: string, query: NotifiableQuery) => Promise<NotifiableAnswer | undefined>;
  /** Has {@link Notifier.check} called at a time, or sooner. */
  checkAt: (time: number) => void;
}

/**
 * Decides whether and when a user is notified of what their conversations tell their inbox, and asks the
 * conversation once more before it is sent. What is due survives a crash. Nothing is stored of a user who
 * cannot be notified.
 */
export class Notifier {
  private readonly options: NotifierOptions;
  private readonly states: States;
  /** Conversations that are being notified of. */
  private readonly sending = new Map<string, Sending>();
  /** By conversation: when it is asked again, and how often that has failed. */
  private readonly failed = new Map<string, { failures: number; retryAt: number }>();
  private readonly composer: Composer;

  constructor(options: NotifierOptions) {
    this.options = options;
    this.states = new States(options.sql, options.clock);
    this.composer = new Composer({ ...options, states: this.states });
  }

  /**
   * Takes the newest row of a conversation; what the inbox is to be called for while nobody is connected
   * to it.
   */
  changed(row: InboxRow): Exclude<InboxAnswer, "watching"> {
    const { conversationId } = row;
    if ("removed" in row || row.unread === 0) this.readAll(row);
    if ("removed" in row || !this.options.canNotify()) return "away";
    const level = this.level(conversationId, row.kind);
    if (level === "none") {
      this.clear(conversationId);
      return "away";
    }
    const isUnread = level === "all" ? row.unread > 0 : row.mentions > 0;
    if (!isUnread) this.readAll(row);
    if (isUnread && row.lastMessage) {
      const state = this.states.of(conversationId) ?? nothingNotified(conversationId, row.kind);
      if (state.epoch !== row.epoch || state.rev < row.rev) {
        this.becomesDue(state, Date.parse(row.lastMessage.createdAt));
      }
    }
    return level === "all" ? "notify of messages" : "notify of mentions";
  }

  /** Takes a row that the inbox has asked for: nothing new, but perhaps everything was read. */
  asked(row: InboxRow): void {
    if ("removed" in row || row.unread === 0) this.readAll(row);
  }

  /** A connection was opened or has ended. */
  connectionsChanged(): void {
    if (this.options.isConnected()) return;
    this.changeAll(broughtForward);
  }

  /** The user's settings were changed: hours of do-not-disturb may have begun or ended. */
  settingsChanged(): void {
    this.changeAll(rescheduled);
  }

  /** The level of a conversation was changed: nothing is due where the user wants none. */
  levelChanged(conversationId: string): void {
    const state = this.states.of(conversationId);
    if (state && this.level(conversationId, state.kind) === "none") this.clear(conversationId);
  }

  /** Notifies of what is due. */
  async check(): Promise<void> {
    const { clock } = this.options;
    this.states.prune();
    const now = clock();
    const ready = this.states.all().filter((state) => this.nextOf(state) <= now);
    const slots = new Slots(CONCURRENT);
    await Promise.all(
      ready.map(({ conversationId }) => slots.take(() => this.checkOne(conversationId, now))),
    );
    this.schedule();
  }

  /** Does what was due of one conversation at a time: it may have been read since. */
  private async checkOne(conversationId: string, time: number): Promise<void> {
    const before = this.states.of(conversationId);
    if (before && (before.withdrawAt ?? Infinity) <= time) await this.withdraw(before);
    const state = this.states.of(conversationId);
    if (state && (state.dueAt ?? Infinity) <= time) await this.notify(state);
  }

  /**
   * What is said now instead of a notification that could not be delivered: of what is still unread after
   * `afterRev` and up to where the user was notified. `undefined`: nothing any more, or not now. `later`: a newer
   * one is under way, which takes this one in.
   */
  async compose(
    conversationId: string,
    { id, epoch, afterRev }: { id: string; epoch: string; afterRev: number },
  ): Promise<Notification | "later" | undefined> {
    const state = this.states.of(conversationId);
    const sending = this.sending.get(conversationId);
    if (!state || (sending ? sending.isRead : !state.isShown)) return undefined;
    const { quietUntil } = this.circumstances();
    if (quietUntil !== undefined) {
      // Another receiver may have missed older ones.
      const rev = state.epoch === epoch ? Math.min(state.rev, afterRev) : afterRev;
      this.put(postponed({ ...asked(state, { epoch, rev }), id }, quietUntil));
      return undefined;
    }
    if (sending && sending.id !== id) return "later";
    // What came since is notified of on its own.
    const upTo = { epoch: state.epoch, rev: state.rev };
    const answer = await this.ask({ ...state, epoch, rev: afterRev }, { upTo });
    if (!answer?.notifiable) return undefined;
    const notification = await this.composer.notificationOf(answer.notifiable, id);
    // In memory alone: what becomes due waits for as long as behind any other one.
    const now = this.states.of(conversationId);
    if (now) this.states.remember({ ...now, sentAt: this.options.clock() });
    return notification;
  }

  /** When {@link check} has something to do; `undefined`: nothing. */
  get nextAt(): number | undefined {
    const next = Math.min(...this.states.all().map((state) => this.nextOf(state)));
    return Number.isFinite(next) ? next : undefined;
  }

  private async notify(state: Notifying): Promise<void> {
    const { conversationId, kind, id = crypto.randomUUID() } = state;
    const { clock, deliveries, onFailure } = this.options;
    const { quietUntil } = this.circumstances();
    if (quietUntil !== undefined) {
      this.put(postponed(state, quietUntil));
      return;
    }
    // From here on what comes is not part of this notification. Stored it still is: a crash repeats it.
    const sending = new Sending(id);
    this.sending.set(conversationId, sending);
    const remember = (change: (state: Notifying) => Notifying) => {
      const known = this.states.of(conversationId) ?? nothingNotified(conversationId, kind);
      this.states.remember(change(known));
    };
    remember((now) => ({ ...now, dueAt: undefined }));
    try {
      const unreadForMs = this.options.isConnected() ? GRACE_MS : 0;
      const answer = await this.ask(state, { unreadForMs });
      const { notifiableAt } = answer ?? {};
      if (answer?.notifiable) sending.answered(answer);
      const notification =
        answer?.notifiable && (await this.composer.notificationOf(answer.notifiable, id));
      // What came after everything was read is asked for again.
      const isAsked = answer && notifiableAt === undefined && !sending.isRead;
      if (isAsked) remember((now) => asked(now, answer));
      // The total may have taken a while.
      const isWanted = this.level(conversationId, kind) !== "none";
      if (notification && !sending.isRead && isWanted) {
        sending.isDelivering = true;
        await deliveries.deliver(notification, { epoch: state.epoch, rev: state.rev });
        remember((now) => sent(now, clock(), crypto.randomUUID()));
        this.forgetRead(notification.read);
      } else if (notifiableAt !== undefined && !sending.isRead && isWanted) {
        // The conversation's clock may be behind this one's.
        const at = Math.max(notifiableAt, clock() + ASK_AGAIN_MS);
        remember((now) => renewed(now, at, id));
      } else {
        // What has become due meanwhile waited for this one.
        const circumstances = this.circumstances();
        remember((now) =>
          now.dueAt === undefined ? cleared(now) : rescheduled(now, circumstances),
        );
      }
      this.failed.delete(conversationId);
    } catch (error) {
      onFailure(conversationId, error);
      const failures = (this.failed.get(conversationId)?.failures ?? 0) + 1;
      this.failed.set(conversationId, { failures, retryAt: clock() + backoffMs(failures) });
      remember((now) => ({ ...now, dueAt: state.dueAt, id }));
    }
    this.sending.delete(conversationId);
    const next = this.states.of(conversationId);
    if (next) this.put(sending.isRead ? read(next, clock()) : next, true);
  }

  private async withdraw(state: Notifying): Promise<void> {
    const { conversationId } = state;
    const { deliveries, userId } = this.options;
    const id = crypto.randomUUID();
    await deliveries.read({ id, userId, conversationId, total: await this.composer.total() });
    const next = this.states.of(conversationId);
    // Something may have been notified of meanwhile.
    if (next?.withdrawAt === state.withdrawAt && next) this.put(withdrawn(next));
  }

  /** Asks a conversation, unless the user wants nothing of it; also if they have come to want that meanwhile. */
  private async ask(
    { conversationId, kind, epoch, rev }: Notifying,
    more: Pick<NotifiableQuery, "upTo" | "unreadForMs">,
  ) {
    const { userId } = this.options;
    const level = this.level(conversationId, kind);
    if (level === "none" || !this.options.canNotify()) return undefined;
    const after = epoch === "" ? undefined : { epoch, rev };
    const answer = await this.options.ask(conversationId, { userId, level, after, ...more });
    return this.level(conversationId, kind) === "none" ? undefined : answer;
  }

  private forgetRead(conversationIds: readonly string[]): void {
    for (const id of conversationIds) {
      const state = this.states.of(id);
      if (state) this.put(closed(state));
    }
  }

  private readAll(row: InboxRow): void {
    const { conversationId } = row;
    const sending = this.sending.get(conversationId);
    if (sending && !sending.read(row)) return;
    const state = this.states.of(conversationId);
    if (!state) return;
    const shown = sending?.isDelivering ? { ...state, isShown: true } : state;
    this.put(read(shown, this.options.clock()));
  }

  /** While a notification is sent, the next one waits for as long as behind one that was sent. */
  private becomesDue(state: Notifying, messageAt: number): void {
    const { sentAt, conversationId } = state;
    const isSending = this.sending.has(conversationId);
    const behind = isSending ? { ...state, sentAt: this.options.clock() } : state;
    const next = due(behind, messageAt, crypto.randomUUID(), this.circumstances());
    this.put(next === state ? state : { ...next, sentAt });
  }

  private changeAll(change: (state: Notifying, circumstances: Circumstances) => Notifying): void {
    const circumstances = this.circumstances();
    for (const state of this.states.all()) {
      const next = change(state, circumstances);
      if (next !== state) this.put(next);
    }
  }

  private clear(conversationId: string): void {
    const state = this.states.of(conversationId);
    if (state) this.put(cleared(state));
  }

  private level(conversationId: string, kind: Kind) {
    return this.options.preferences.level(conversationId, kind, this.options.clock());
  }

  private circumstances(): Circumstances {
    const { clock, isConnected, preferences } = this.options;
    const now = clock();
    return { now, isConnected: isConnected(), quietUntil: preferences.quietUntil(now) };
  }

  /** Stores a state. While its notification is sent the stored one repeats that after a crash, unless it was read. */
  private put(state: Notifying, isUnstored = false): void {
    const sending = this.sending.get(state.conversationId);
    if (sending && !sending.isRead) this.states.remember(state);
    else this.states.put(state, isUnstored);
    this.schedule();
  }

  private schedule(): void {
    const { nextAt } = this;
    if (nextAt !== undefined) this.options.checkAt(nextAt);
  }

  /** When something is to be done about a conversation; `Infinity`: never. */
  private nextOf({ conversationId, dueAt, withdrawAt }: Notifying): number {
    if (this.sending.has(conversationId)) return Infinity;
    const { retryAt = 0 } = this.failed.get(conversationId) ?? {};
    return Math.max(retryAt, Math.min(dueAt ?? Infinity, withdrawAt ?? Infinity));
  }
}
