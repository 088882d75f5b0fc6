import { parseMessageId } from "../domain/id.ts";
import { withNewlines } from "../domain/text.ts";
import { Decoder, isShorter, type Line } from "./decode.ts";
import type { ConversationChange, Question } from "./event.ts";
import type { Link, Status } from "./link.ts";
import { Outbox } from "./outbox.ts";
import { Presence } from "./presence.ts";
import { type EventOf, type ServerEvent, serverEvent, serverEventTypes } from "./received.ts";
import { Replica } from "./replica.ts";
import { Unread } from "./unread.ts";

export type Answer = EventOf<"ack"> | EventOf<"sync">;

/** What connects a session: where it resumes, and what it is told. */
export interface LinkOptions {
  /** Where the next connection resumes: the last applied revision and its epoch; absent: a first visit. */
  place: () => { since: number; epoch: string } | undefined;
  onFrame: (frame: string) => void;
  /** One event of a frame, which was parsed already. */
  onEvent: (event: unknown) => void;
  onStatus: (status: Status) => void;
}

export interface SessionOptions {
  linkOf: (options: LinkOptions) => Link;
  clock: () => number;
  emit: (event: ConversationChange) => void;
  onStatus: (status: Status) => void;
}

/** Ties the parts of a client together: passes events of the server to the replica and the outbox, and emits them. */
export class Session {
  readonly replica = new Replica();
  readonly presence = new Presence();
  readonly unread = new Unread(this.replica);
  readonly outbox: Outbox<Question, Answer>;
  readonly link: Link;
  private readonly decoder: Decoder<ServerEvent>;
  private readonly options: SessionOptions;
  private helloRev = 0;

  constructor(options: SessionOptions) {
    const { linkOf, emit } = options;
    this.options = options;
    this.decoder = new Decoder({
      schema: serverEvent,
      types: serverEventTypes,
      hasLess: (event, value) =>
        event.type === "sync" && isShorter(event, value, ["messages", "members", "reads"]),
      report: (reason) => emit({ type: "error", reason }),
    });
    this.link = linkOf({
      place: () => this.place(),
      onFrame: (frame) => this.receive(this.decoder.linesOf(frame)),
      onEvent: (event) => this.receive(this.decoder.linesIn(event)),
      onStatus: (status) => this.statusChanged(status),
    });
    this.outbox = new Outbox<Question, Answer>({
      transmit: (frame) => this.link.send(frame),
      onUnanswered: () => this.link.drop("a command was not answered"),
      wasDone: (frame, code) => (this.wasDone(frame, code) ? { type: "ack", rev: 0 } : undefined),
      onResend: (frame) =>
        emit({
          ...{ type: "resend", op: frame.op },
          ...(frame.op === "send" &&
            frame.clientMessageId !== undefined && { clientMessageId: frame.clientMessageId }),
        }),
    });
  }

  private place(): { since: number; epoch: string } | undefined {
    const { epoch, rev } = this.replica;
    return epoch === undefined || rev === undefined ? undefined : { since: rev, epoch };
  }

  private statusChanged(status: Status): void {
    if (status.state === "live") this.outbox.resume();
    else this.outbox.interrupt();
    this.options.onStatus(status);
    if (status.state === "closed") this.outbox.abandon(status.reason);
  }

  private receive(lines: readonly Line<ServerEvent>[]): void {
    for (const line of lines) {
      if (line.event) {
        this.take(line.event);
        continue;
      }
      const { type, id, problem } = line;
      const message = `The server sent ${problem}.`;
      // A retry would get the same answer.
      const answer = { type: "error", id, code: "unreadable", message } as const;
      if (id !== undefined && this.outbox.answer(answer)) continue;
      if (type === "hello" || type === "sync") {
        // The session needs them. It never becomes live, so the backoff grows.
        this.link.drop(message);
        return;
      }
    }
  }

  private take(event: ServerEvent): void {
    const { replica, presence, outbox, unread } = this;
    const { emit, clock } = this.options;
    switch (event.type) {
      case "hello":
        replica.greet(event);
        presence.greet(event);
        this.helloRev = event.rev;
        this.link.firstWaitMs = event.reconnectAfterMs;
        break;
      case "sync":
        this.sync(event);
        break;
      case "message":
        if (replica.apply(event)) {
          emit({ type: "message", cause: event.cause, message: event.message });
        }
        break;
      case "reaction": {
        const message = replica.react(event);
        if (message) emit({ type: "message", cause: "reaction", message });
        break;
      }
      case "member":
        if (replica.apply(event)) {
          emit({ type: "member", cause: event.cause, member: event.member });
        }
        break;
      case "read":
        if (replica.apply(event)) {
          unread.read(event.userId, event.from, event.to);
          const { type, ...read } = event;
          emit({ type, read });
        }
        break;
      case "conversation":
        this.conversation(event);
        break;
      case "typing":
        presence.typing(event, clock());
        emit(event);
        break;
      case "presence":
        presence.presence(event);
        emit(event);
        break;
      case "ack":
        outbox.answer(event);
        break;
      case "error":
        this.refused(event);
        break;
    }
  }

  private conversation(event: EventOf<"conversation">): void {
    const { replica, unread } = this;
    const { purgedTo } = replica;
    if (!replica.apply(event)) return;
    // The answer has the server's count.
    if (replica.purgedTo > purgedTo && !unread.purged()) this.requestPage(event.rev);
    this.options.emit({ type: "conversation", conversation: event.conversation });
  }

  private sync(event: EventOf<"sync">): void {
    const { replica, unread, outbox, link } = this;
    const { emit } = this.options;
    // An answer to `history` moves no cursor.
    if (event.to === undefined) {
      outbox.answer(event);
      return;
    }
    const { purgedTo } = replica;
    const { messages, members, reads, conversation } = replica.sync(event);
    if (event.reset) emit({ type: "reset" });
    for (const { userId, from, to } of reads) unread.read(userId, from, to);
    if (event.unread !== undefined) unread.settle(event.unread);
    else if (event.to === this.helloRev) unread.settle(replica.you?.unread ?? 0);
    else if (replica.purgedTo > purgedTo) unread.purged();
    if (conversation) emit({ type: "conversation", conversation });
    for (const member of members) emit({ type: "member", cause: "sync", member });
    for (const message of messages) emit({ type: "message", cause: "sync", message });
    for (const read of reads) emit({ type: "read", read });
    if (event.more) this.requestPage(event.to);
    else link.live();
  }

  private requestPage(since: number): void {
    this.link.send({ op: "sync", id: `since ${since}`, since });
  }

  private refused(event: EventOf<"error">): void {
    if (this.outbox.answer(event) || event.code !== "rate_limited") return;
    // An error of the session: too many sockets; a close with 4400 follows.
    if (event.id === undefined) this.link.refusedAsCrowded();
    // An error of the request for the next page: retried when the rate allows it.
    else this.link.later(() => this.requestPage(this.replica.rev ?? 0), event.retryAfterMs);
  }

  /** Whether a command that was refused on a retry had been carried out by its first attempt. */
  private wasDone(frame: Question, code: string): boolean {
    if (frame.op === "unreact") return code === "reaction_not_found";
    if (frame.op !== "edit") return false;
    const number = parseMessageId(frame.messageId)?.number ?? 0;
    const content = withNewlines(frame.content).trim();
    const known = this.replica.timeline.at(number);
    return known?.editedAt !== null && known?.content === content;
  }
}
