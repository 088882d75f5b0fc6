import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type {
  NotifiableAnswer,
  Notification,
  NotificationRead,
} from "../../src/domain/notification.ts";
import type { InboxRow } from "../../src/live/inbox-events.ts";
import { Notifier } from "../../src/notify/notifier.ts";
import { Preferences } from "../../src/notify/preferences.ts";
import { readNotifying } from "../../src/notify/tables.ts";
import { someone } from "../support.ts";

const EPOCH = "e1";

/** Runs a test within an object, with a notifier in its storage. */
export function withNotifier(test: (user: NotifierInObject) => Promise<void>): Promise<void> {
  const stub = env.INBOXES.getByName(someone("notifier"));
  return runInDurableObject(stub, (_, { storage: { sql } }) => test(new NotifierInObject(sql)));
}

/**
 * A notifier in the storage of a real object, with a clock that the test moves. The test says which message
 * of each conversation is the newest unread one, and may hold calls up.
 */
export class NotifierInObject {
  readonly userId = "bob";
  now = Date.UTC(2026, 10, 28, 12);
  /** What was delivered, or was being delivered when the object ended. */
  readonly delivered: Notification[] = [];
  readonly reads: NotificationRead[] = [];
  readonly failures: unknown[] = [];
  readonly preferences: Preferences;
  /** By conversation: its revision, how much is unread, and the revision of the newest message. */
  private readonly conversations = new Map<
    string,
    { rev: number; unread: number; newest: number }
  >();
  /** Called before a conversation is asked, before a notification is accepted, before totals are read. */
  beforeAsking: (conversationId: string) => Promise<void> = async () => undefined;
  beforeDelivery: (conversationId: string) => Promise<void> = async () => undefined;
  beforeTotal: (conversationId: string) => Promise<void> = async () => undefined;
  notifier: Notifier;
  private readonly sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.sql = sql;
    this.preferences = new Preferences(sql);
    this.notifier = this.created();
  }

  /** A message comes; the inbox is called unless `isCalled` is false. */
  sends(conversationId: string, { isCalled = true } = {}): Exclude<InboxRow, { removed: true }> {
    const { rev, unread } = this.of(conversationId);
    this.conversations.set(conversationId, { rev: rev + 1, unread: unread + 1, newest: rev + 1 });
    return this.called(conversationId, isCalled);
  }

  /** Everything is read. */
  readsAll(conversationId: string, { isCalled = true } = {}) {
    const { rev, newest } = this.of(conversationId);
    this.conversations.set(conversationId, { rev: rev + 1, unread: 0, newest });
    return this.called(conversationId, isCalled);
  }

  /** The object ends while it does something, and a new instance does what is due. */
  async crash(): Promise<void> {
    this.beforeAsking = this.beforeDelivery = this.beforeTotal = async () => undefined;
    this.notifier = this.created();
    await this.notifier.check();
  }

  async pass(milliseconds: number): Promise<void> {
    const until = this.now + milliseconds;
    for (;;) {
      const { nextAt = Infinity } = this.notifier;
      if (nextAt > until) break;
      this.now = Math.max(this.now, nextAt);
      await this.notifier.check();
    }
    this.now = until;
  }

  /** Whether it is stored that the user was notified of a conversation, and has not read it. */
  isShown(conversationId: string): boolean {
    const stored = readNotifying(this.sql).find((state) => state.conversationId === conversationId);
    return stored?.isShown ?? false;
  }

  private of(conversationId: string) {
    return this.conversations.get(conversationId) ?? { rev: 0, unread: 0, newest: 0 };
  }

  private called(conversationId: string, isCalled: boolean) {
    const { rev, unread } = this.of(conversationId);
    const createdAt = new Date(this.now).toISOString();
    const row: Exclude<InboxRow, { removed: true }> = {
      ...{ conversationId, epoch: EPOCH, rev, kind: "direct", title: null, createdAt },
      ...{ members: [], memberCount: 2, lastNumber: rev, unread, mentions: 0, archived: false },
      lastMessage: {
        ...{ id: "m", number: rev, senderId: "alice", kind: "text", content: "", createdAt },
        attachments: 0,
      },
    };
    if (isCalled) this.notifier.changed(row);
    return row;
  }

  private answer(conversationId: string, afterRev: number): NotifiableAnswer {
    const { rev, unread, newest } = this.of(conversationId);
    const answer = { epoch: EPOCH, rev };
    if (unread === 0 || newest <= afterRev) return answer;
    return {
      ...answer,
      notifiable: {
        conversation: { id: conversationId, kind: "direct", title: null },
        message: {
          ...{ id: `${conversationId}-${newest}`, senderId: "alice", senderName: null, text: "" },
          ...{ attachments: 0, createdAt: this.now },
        },
        ...{ reason: "message", unread },
      },
    };
  }

  private created(): Notifier {
    const isCurrent = () => this.notifier === notifier;
    const forEver = new Promise<never>(() => undefined);
    const notifier: Notifier = new Notifier({
      ...{ sql: this.sql, userId: this.userId, clock: () => this.now },
      preferences: this.preferences,
      deliveries: {
        deliver: async (notification) => {
          this.delivered.push(notification);
          await this.beforeDelivery(notification.conversation.id);
          if (!isCurrent()) await forEver;
        },
        read: async (read) => void this.reads.push(read),
      },
      canNotify: () => true,
      isConnected: () => false,
      ask: async (conversationId, { after }) => {
        await this.beforeAsking(conversationId);
        if (!isCurrent()) await forEver;
        return this.answer(conversationId, after?.rev ?? 0);
      },
      total: async () => {
        await this.beforeTotal("");
        return 1;
      },
      urlOf: (conversationId) => `/#/c/${conversationId}`,
      checkAt: () => undefined,
      onFailure: (_, error) => void this.failures.push(error),
    });
    return notifier;
  }
}
