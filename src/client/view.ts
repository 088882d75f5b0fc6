import type { Status } from "./connection.ts";
import { Emitter } from "./emitter.ts";
import type { ConversationEvent, ConversationEvents, Named } from "./event.ts";
import type { PendingMessage } from "./message.ts";
import type { WireConversation, WireMember, WireMessage, WireRead } from "./received.ts";
import { Session, type SessionOptions } from "./session.ts";

/** What is known of a conversation, and the events by which it changes. */
export class View extends Emitter<ConversationEvents> {
  readonly id: string;
  protected readonly session: Session;
  protected readonly clock: () => number;
  protected readonly onTheWay = new Map<string, PendingMessage>();
  protected current: Status = { state: "offline", reason: "not connected yet", retryInMs: 0 };

  constructor(id: string, options: Omit<SessionOptions, "emit">) {
    super();
    this.id = id;
    this.clock = options.clock;
    this.session = new Session({ ...options, emit: (event) => this.publish(event) });
  }

  get status(): Status {
    return this.current;
  }

  /** The confirmed messages, oldest first: the newest at least, more after `loadOlder`. */
  get messages(): readonly WireMessage[] {
    return this.session.replica.timeline.messages;
  }

  /** What has been sent and is not confirmed yet: shown behind `messages`. */
  get pending(): readonly PendingMessage[] {
    return [...this.onTheWay.values()];
  }

  /** Who is in it, and who was; in a large conversation the first 200 and those who came since. */
  get members(): ReadonlyMap<string, WireMember> {
    return this.session.replica.members;
  }

  /** Who read what: ranges of message numbers. */
  get reads(): Iterable<WireRead> {
    return this.session.replica.reads.values();
  }

  get info(): WireConversation | undefined {
    return this.session.replica.conversation;
  }

  /** Oneself here, as the server knows one. */
  get you(): { userId: string; role: WireMember["role"] } | undefined {
    return this.session.replica.you;
  }

  /** What the conversation allows, as the server says. */
  get limits() {
    return this.session.replica.limits;
  }

  /** The additions to the protocol that the server granted, of those that this client asks for. */
  get features(): readonly string[] {
    return this.session.replica.features;
  }

  /**
   * How many messages one has not read. Exact where all unread messages are loaded, and after each
   * connect; else what was read or deleted of those that are not loaded is reckoned with as well as can
   * be until the next connect.
   */
  get unread(): number {
    return this.session.unread.count;
  }

  /** Who is there. Empty in a large conversation, which names nobody: see `onlineCount`. */
  get online(): ReadonlySet<string> {
    return this.session.presence.online;
  }

  get onlineCount(): number {
    return this.session.presence.onlineCount;
  }

  /** Who is typing now. */
  get typing(): string[] {
    return this.session.presence.typingAt(this.clock());
  }

  /** Where this client has come to: of which `epoch`, and up to which revision. */
  get cursor(): { epoch: string | undefined; rev: number | undefined } {
    const { epoch, rev } = this.session.replica;
    return { epoch, rev };
  }

  private publish(event: ConversationEvent): void {
    if (event.type === "status") this.current = event;
    if (event.type === "message") this.confirm(event.message);
    this.emit("event", event);
    this.emitNamed(event);
  }

  /** A message of one's own is there: it is not on its way any more, whether or not the ack has come. */
  private confirm({ senderId, clientMessageId }: WireMessage): void {
    if (clientMessageId !== null && senderId === this.you?.userId) {
      this.onTheWay.delete(clientMessageId);
    }
  }

  private emitNamed<Type extends ConversationEvent["type"]>(event: Named[Type]): void {
    this.emit(event.type as Type, event as ConversationEvents[Type]);
  }
}
