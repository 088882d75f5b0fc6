import { computed, signal } from "@preact/signals";
import type { Conversation } from "../../../client/conversation.ts";
import type { ConversationEvent } from "../../../client/event.ts";
import type { WireMessage } from "../../../client/received.ts";
import { Changes } from "./changes.ts";
import type { Draft } from "./draft.ts";
import { hasNetwork } from "./network.ts";
import { sentenceOf } from "./notices.ts";
import { moderatesIn } from "./rights.ts";
import { MAX_TIMEOUT_MS } from "./time.ts";
import type { Failed, Unsent, UnsentMessages } from "./unsent.ts";

export interface RoomOptions {
  unsent: UnsentMessages;
  draft: Draft;
  onEvent: (event: ConversationEvent) => void;
}

/** A conversation as the page shows it: reading `version` subscribes to all of its changes. */
export class Room {
  readonly conversation: Conversation;
  readonly draft: Draft;
  /** Increases with every change of the conversation. */
  readonly version = signal(0);
  readonly changes = new Changes();
  /** Whether the user is an owner or moderator of a group or channel. */
  readonly moderates = computed(() => {
    void this.version.value;
    return moderatesIn(this.conversation);
  });
  /** Whether a message is being looked for: nothing is read, and the focus moves nowhere else, until it is shown. */
  readonly isSeeking = signal(false);
  readonly failed = signal<readonly Failed[]>([]);
  /** Whether it has been synchronized at least once. */
  wasLive = false;
  private readonly options: RoomOptions;
  private readonly quoted = new Map<string, WireMessage | "asked" | "unknown">();
  private changed = false;
  private loading: Promise<unknown> | undefined;

  constructor(conversation: Conversation, options: RoomOptions) {
    this.conversation = conversation;
    this.options = options;
    this.draft = options.draft;
    conversation.on("event", (event) => this.heard(event));
    conversation.connect();
    for (const message of options.unsent.all) {
      if (message.conversationId === conversation.id) void this.transmit(message);
    }
  }

  get id(): string {
    return this.conversation.id;
  }

  /** Whether closing this room would lose something that is not confirmed, or hide that it was refused. */
  get isBusy(): boolean {
    const { pending } = this.conversation;
    return pending.length > 0 || this.failed.peek().length > 0 || !this.changes.isEmpty;
  }

  /** Whether the socket is live. */
  get isLive(): boolean {
    return hasNetwork.value && this.conversation.status.state === "live";
  }

  /** Who is online; unknown while the socket is not live. */
  get online(): ReadonlySet<string> | undefined {
    return this.isLive ? this.conversation.online : undefined;
  }

  /** Whether a message is the user's own and may still be edited. */
  mayEdit({ senderId, content, createdAt, deletedAt }: WireMessage): boolean {
    const { you, limits } = this.conversation;
    if (senderId !== you?.userId || content === "" || deletedAt !== null) return false;
    return Date.now() - new Date(createdAt).getTime() < (limits?.editWindowMs ?? 0);
  }

  /** The messages that are shown: the newest, or those around one further back. */
  get shown(): readonly WireMessage[] {
    return this.conversation.earlier ?? this.conversation.messages;
  }

  /** Whether what is shown is further back than the newest messages. */
  get isBack(): boolean {
    return this.conversation.earlier !== undefined;
  }

  /** Whether older messages can be loaded. */
  get hasOlder(): boolean {
    return (this.shown[0]?.number ?? 1) > 1;
  }

  /** Sends the draft and clears it. */
  send(): void {
    const message = this.draft.taken();
    if (message) this.submit({ ...message, conversationId: this.id });
  }

  /** Retries a refused message. */
  retry({ message }: Failed): void {
    this.drop(message.clientMessageId);
    void this.transmit(message);
  }

  discard({ message }: Failed): void {
    this.drop(message.clientMessageId);
    this.options.unsent.forget(message.clientMessageId);
  }

  /** Loads the page before the oldest message that is shown; concurrent calls share one request. */
  async loadOlder(): Promise<void> {
    const { conversation } = this;
    if (!this.hasOlder) return;
    await this.load(() =>
      this.isBack ? conversation.loadEarlier("before") : conversation.loadOlder(),
    );
  }

  /** Loads the page behind what is shown further back; likewise. */
  async loadNewer(): Promise<void> {
    if (this.isBack) await this.load(() => this.conversation.loadEarlier("after"));
  }

  /** Shows the messages around one. */
  async lookAt(messageId: string): Promise<void> {
    await this.conversation.loadAround(messageId);
    this.bump();
  }

  /** Shows the newest messages. */
  toNewest(): void {
    this.conversation.leaveEarlier();
    this.bump();
  }

  private async load(page: () => Promise<unknown>): Promise<void> {
    this.loading ??= page().finally(() => {
      this.loading = undefined;
      this.bump();
    });
    await this.loading;
  }

  /** The message that another one replies to; `undefined` while it is being loaded. */
  quotedBy(messageId: string): WireMessage | "unknown" | undefined {
    const loaded = this.shown.find(({ id }) => id === messageId);
    if (loaded) return loaded;
    const known = this.quoted.get(messageId);
    if (known === "asked") return undefined;
    if (known) return known;
    this.quoted.set(messageId, "asked");
    this.conversation.history({ around: messageId, limit: 1 }).then(
      ({ messages }) =>
        this.quote(
          messageId,
          messages.find(({ id }) => id === messageId),
        ),
      () => this.quote(messageId, undefined),
    );
    return undefined;
  }

  private quote(messageId: string, message: WireMessage | undefined): void {
    this.quoted.set(messageId, message ?? "unknown");
    this.bump();
  }

  private submit(message: Unsent): void {
    this.options.unsent.keep(message);
    void this.transmit(message);
  }

  private async transmit(message: Unsent): Promise<void> {
    const { conversationId, ...given } = message;
    try {
      const sending = this.conversation.send(given);
      this.bump();
      await sending;
      this.options.unsent.forget(message.clientMessageId);
    } catch (error) {
      this.failed.value = [...this.failed.value, { message, reason: sentenceOf(error) }];
    }
    this.bump();
  }

  private drop(clientMessageId: string): void {
    this.failed.value = this.failed.value.filter(
      ({ message }) => message.clientMessageId !== clientMessageId,
    );
  }

  private heard(event: ConversationEvent): void {
    if (event.type === "status" && event.state === "live") this.wasLive = true;
    // No event says that a typing user has left, or that somebody is not muted any more.
    if (event.type === "typing") this.bumpIn(event.expiresInMs);
    if (event.type === "member" && event.member.mutedUntil) {
      this.bumpIn(new Date(event.member.mutedUntil).getTime() - Date.now());
    }
    // They may be hidden by now.
    if (event.type === "reset") this.quoted.clear();
    this.options.onEvent(event);
    this.bump();
  }

  private bumpIn(ms: number): void {
    setTimeout(() => this.bump(), Math.min(ms + 50, MAX_TIMEOUT_MS));
  }

  /** All events of one frame are one change. */
  private bump(): void {
    if (this.changed) return;
    this.changed = true;
    queueMicrotask(() => {
      this.changed = false;
      this.version.value++;
    });
  }
}
