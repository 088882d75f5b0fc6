import type { Connection, ConnectionOptions } from "./connection.ts";
import { Decoder } from "./decode.ts";
import type { InboxChange, InboxCommand } from "./inbox-event.ts";
import {
  type InboxEventOf,
  type InboxServerEvent,
  inboxAnswer,
  inboxEventTypes,
  inboxServerEvent,
} from "./inbox-received.ts";
import { type ChangedRows, InboxRows } from "./inbox-rows.ts";
import type { Status } from "./link.ts";
import { Outbox } from "./outbox.ts";
import { Pacer } from "./pacer.ts";
import type { Carrier, SharedLink } from "./shared-link.ts";

/** A connection that hears nothing for 20 s while catching up is given up: the list is requested before. */
const MAX_LIST_WAIT_MS = 15_000;

export interface InboxSessionOptions {
  connectionOf: (options: Pick<ConnectionOptions, "onFrame" | "onStatus">) => Connection;
  clock: () => number;
  emit: (event: InboxChange) => void;
  onStatus: (status: Status) => void;
}

/** The page of the list that is awaited: `hello` comes with the first one, which nobody asked for. */
interface AwaitedPage {
  after: string | undefined;
  id: string | undefined;
}

/** Ties the parts of an inbox together: passes events of the server to the rows, the outbox and conversations. */
export class InboxSession implements Carrier {
  readonly rows = new InboxRows();
  readonly outbox: Outbox<InboxCommand, InboxEventOf<"ack">>;
  readonly connection: Connection;
  hello: InboxEventOf<"hello"> | undefined;
  state: Status | "ready" = { state: "offline", reason: "not connected yet", retryInMs: 0 };
  private readonly options: InboxSessionOptions;
  private readonly decoder: Decoder<InboxServerEvent>;
  private readonly pacer: Pacer;
  private readonly links = new Map<string, SharedLink>();
  private awaited: AwaitedPage | undefined;
  private pages = 0;
  private total = 0;

  constructor(options: InboxSessionOptions) {
    const { connectionOf, clock, emit } = options;
    this.options = options;
    this.decoder = new Decoder({
      schema: inboxServerEvent,
      types: inboxEventTypes,
      hasLess: (event) => event.type === "inbox" && event.rows.unreadable.length > 0,
      report: (reason) => emit({ type: "error", reason }),
    });
    this.connection = connectionOf({
      onFrame: (frame) => this.receive(frame),
      onStatus: (status) => this.statusChanged(status),
    });
    this.pacer = new Pacer((frame) => this.connection.send(frame), clock);
    this.outbox = new Outbox<InboxCommand, InboxEventOf<"ack">>({
      // Other ids are those of conversations.
      prefix: "inbox ",
      transmit: (frame) => this.send(frame),
      onUnanswered: () => this.connection.drop("a command was not answered"),
      wasDone: () => undefined,
      onResend: ({ op }) => emit({ type: "resend", op }),
    });
  }

  send(frame: object): void {
    this.pacer.send(frame);
  }

  wake(): void {
    this.connection.wake();
  }

  add(link: SharedLink): void {
    this.connection.open();
    const other = this.links.get(link.conversationId);
    this.links.set(link.conversationId, link);
    if (other !== link) other?.close("opened again over this inbox");
  }

  remove(link: SharedLink): void {
    if (this.links.get(link.conversationId) === link) this.links.delete(link.conversationId);
  }

  private statusChanged(status: Status): void {
    if (status.state !== "live") {
      this.awaited = undefined;
      this.pacer.forget();
      this.outbox.interrupt();
      this.become(status);
    }
    this.options.onStatus(status);
    if (status.state === "closed") this.outbox.abandon(status.reason);
  }

  /** Tells the conversations that are open over this inbox. */
  private become(state: Status | "ready"): void {
    this.state = state;
    for (const link of [...this.links.values()]) link.carrierChanged();
  }

  private receive(frame: string): void {
    for (const line of this.decoder.linesOf(frame)) {
      if (line.event) this.take(line.event);
      else if (line.type === "hello" || line.type === "inbox") {
        // The session needs them. It never becomes live, so the backoff grows.
        this.connection.drop(`The server sent ${line.problem}.`);
        return;
      }
    }
    const total = this.rows.unread;
    if (total === this.total) return;
    this.total = total;
    this.options.emit({ type: "total", unread: total });
  }

  private take(event: InboxServerEvent): void {
    switch (event.type) {
      case "hello":
        this.hello = event;
        this.connection.firstWaitMs = event.reconnectAfterMs;
        this.rows.begin(event.unread);
        this.awaited = { after: undefined, id: undefined };
        this.outbox.resume();
        this.become("ready");
        break;
      case "inbox":
        this.list(event);
        break;
      case "level":
        this.emit(this.rows.applyLevel(event), "live");
        break;
      case "conversation":
        this.passOn(event);
        break;
      case "closed":
        this.links.get(event.conversationId)?.closed(event.code, event.reason, event.id);
        break;
      case "ack":
        this.outbox.answer(event);
        break;
      case "error":
        this.refused(event);
        break;
    }
  }

  private list(event: InboxEventOf<"inbox">): void {
    this.emit(this.rows.apply(event), event.more === undefined ? "live" : "list");
    // A page that was requested twice is rows like others.
    if (event.more === undefined || !this.awaited) return;
    this.awaited = undefined;
    if (event.more) {
      if (event.next === undefined)
        this.connection.drop("a page that does not say what follows it");
      else this.requestPage(event.next);
      return;
    }
    this.emit({ rows: [], removed: this.rows.end() }, "list");
    this.connection.live();
  }

  private emit({ rows, removed }: ChangedRows, cause: "list" | "live"): void {
    for (const row of rows) this.options.emit({ type: "row", cause, row });
    for (const conversationId of removed) this.options.emit({ type: "removed", conversationId });
  }

  private requestPage(after: string | undefined): void {
    const id = `list ${++this.pages}`;
    this.awaited = { after, id };
    this.send({ op: "list", id, ...(after !== undefined && { after }) });
  }

  /** An event of a conversation that is open here; a read of such a one is answered there as well. */
  private passOn({ conversationId, event, id }: InboxEventOf<"conversation">): void {
    const answer = inboxAnswer.safeParse(event);
    if (answer.success && this.outbox.answer(answer.data)) return;
    this.links.get(conversationId)?.receive(event, id);
  }

  private refused(event: InboxEventOf<"error">): void {
    if (this.outbox.answer(event)) return;
    for (const link of this.links.values()) if (link.refused(event.message, event.id)) return;
    const { awaited } = this;
    if (this.state !== "ready") {
      // An error of the session: too many sockets; a close with 4400 follows.
      if (event.code === "rate_limited") this.connection.refusedAsCrowded();
    } else if (awaited && event.id === awaited.id) {
      // The list cannot be read now. What changes meanwhile arrives all the same.
      this.options.onStatus({ state: "connecting", reason: event.message });
      const waitMs = Math.min(event.retryAfterMs ?? 1_000, MAX_LIST_WAIT_MS);
      this.connection.later(() => this.requestPage(awaited.after), waitMs);
    }
  }
}
