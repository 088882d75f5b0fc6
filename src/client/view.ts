import type { ConversationChange } from "./event.ts";
import type { Link } from "./link.ts";
import { Live } from "./live.ts";
import type { PendingMessage } from "./message.ts";
import type { WireConversation, WireMember, WireMessage, WireRead } from "./received.ts";
import { Session, type SessionOptions } from "./session.ts";

/** The state of a conversation, and the events that change it. */
export class View extends Live<ConversationChange> {
  readonly id: string;
  protected readonly session: Session;
  protected readonly clock: () => number;
  protected readonly onTheWay = new Map<string, PendingMessage>();
  protected readonly link: Link;

  constructor(id: string, options: Omit<SessionOptions, "emit" | "onStatus">) {
    super();
    this.id = id;
    this.clock = options.clock;
    this.session = new Session({
      ...options,
      emit: (event) => this.publish(event),
      onStatus: (status) => this.publishStatus(status),
    });
    this.link = this.session.link;
  }

  /** The confirmed messages, oldest first: at least the newest, more after `loadOlder`. */
  get messages(): readonly WireMessage[] {
    return this.session.replica.timeline.messages;
  }

  /** A part of the history further back, as `loadAround` loaded it; kept up to date as `messages` is. */
  get earlier(): readonly WireMessage[] | undefined {
    return this.session.replica.timeline.earlier?.messages;
  }

  /** Unconfirmed messages, shown after `messages`. */
  get pending(): readonly PendingMessage[] {
    return [...this.onTheWay.values()];
  }

  /** Present and former members; in a large conversation the first 200 and those who joined since. */
  get members(): ReadonlyMap<string, WireMember> {
    return this.session.replica.members;
  }

  /** Read marks: ranges of message numbers. */
  get reads(): Iterable<WireRead> {
    return this.session.replica.reads.values();
  }

  get info(): WireConversation | undefined {
    return this.session.replica.conversation;
  }

  /** The user's own membership. */
  get you(): { userId: string; role: WireMember["role"] } | undefined {
    return this.session.replica.you;
  }

  /** The conversation's limits. */
  get limits() {
    return this.session.replica.limits;
  }

  /** The protocol features that the server granted, of those that this client requests. */
  get features(): readonly string[] {
    return this.session.replica.features;
  }

  /**
   * The number of unread messages. Exact after each connect and while all unread messages are loaded;
   * otherwise reads and deletions of messages that are not loaded are estimated until the next connect.
   */
  get unread(): number {
    return this.session.unread.count;
  }

  /** The users who are online. Empty in a large conversation: see `onlineCount`. */
  get online(): ReadonlySet<string> {
    return this.session.presence.online;
  }

  get onlineCount(): number {
    return this.session.presence.onlineCount;
  }

  /** The users who are typing now. */
  get typing(): string[] {
    return this.session.presence.typingAt(this.clock());
  }

  /** This client's cursor: the `epoch` and the last applied revision. */
  get cursor(): { epoch: string | undefined; rev: number | undefined } {
    const { epoch, rev } = this.session.replica;
    return { epoch, rev };
  }

  private publish(event: ConversationChange): void {
    if (event.type === "message") this.confirm(event.message);
    this.emit(event);
  }

  /** The user's own message has arrived: it is confirmed, with or without its ack. */
  private confirm({ senderId, clientMessageId }: WireMessage): void {
    if (clientMessageId !== null && senderId === this.you?.userId) {
      this.onTheWay.delete(clientMessageId);
    }
  }
}
