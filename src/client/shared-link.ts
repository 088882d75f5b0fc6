import type { Status } from "./link.ts";
import { Reconnecting } from "./reconnecting.ts";
import type { LinkOptions } from "./session.ts";

/** An inbox whose socket carries conversations. */
export interface Carrier {
  /** Adds a conversation, which is opened whenever the inbox is connected; connects the inbox. */
  add(link: SharedLink): void;
  remove(link: SharedLink): void;
  /** The state of the inbox's connection; `ready`: frames can be sent. */
  readonly state: Status | "ready";
  /** Finds out now whether the inbox's connection still stands; without one, opens one now. */
  wake(): void;
  send(frame: object): void;
}

export interface SharedLinkOptions extends LinkOptions {
  conversationId: string;
  carrier: Carrier;
  random: () => number;
}

/** The connection of a conversation over the socket of an inbox: opened again whenever one of them ends. */
export class SharedLink extends Reconnecting {
  readonly conversationId: string;
  private readonly options: SharedLinkOptions;
  /** The `open` whose answer is awaited: events without its id are of an earlier one. */
  private opening: string | undefined;
  private isOpen = false;

  constructor(options: SharedLinkOptions) {
    super(options);
    this.options = options;
    this.conversationId = options.conversationId;
  }

  open(): void {
    if (this.ended || this.isOpen || this.opening !== undefined) return;
    this.forget();
    this.options.carrier.add(this);
    this.carrierChanged();
  }

  wake(): void {
    const { carrier } = this.options;
    if (this.ended) return;
    if (carrier.state === "ready") this.open();
    carrier.wake();
  }

  send(frame: object): void {
    const { carrier } = this.options;
    if (carrier.state === "ready") carrier.send({ ...frame, conversationId: this.conversationId });
  }

  /** The connection of the inbox has changed. */
  carrierChanged(): void {
    const { carrier, onStatus } = this.options;
    const { state } = carrier;
    if (this.ended) return;
    if (state === "ready") {
      if (!this.isOpen && this.opening === undefined) this.request();
      return;
    }
    this.isOpen = false;
    this.opening = undefined;
    if (state.state === "closed") this.close(state.reason, state.code);
    else {
      this.forget();
      onStatus(state);
    }
  }

  /** An event of the conversation; `id` is that of the `open` which it answers. */
  receive(event: unknown, id: string | number | undefined): void {
    if (!this.isAnswered(id)) return;
    this.heard();
    this.options.onEvent(event);
  }

  /** The server has closed the conversation, not the socket. */
  closed(code: number, reason: string, id: string | number | undefined): void {
    if (!this.isAnswered(id)) return;
    this.isOpen = false;
    if (this.isFinal(code)) this.close(reason, code);
    else this.drop(reason || `closed with ${code}`);
  }

  /** The server has refused to open the conversation. */
  refused(reason: string, id: string | number | undefined): boolean {
    if (this.opening === undefined || id !== this.opening) return false;
    this.opening = undefined;
    this.drop(reason);
    return true;
  }

  override close(reason: string, code?: number): void {
    this.options.carrier.remove(this);
    super.close(reason, code);
  }

  protected release(): void {
    if (this.isOpen || this.opening !== undefined) this.send({ op: "close" });
    this.isOpen = false;
    this.opening = undefined;
  }

  private request(): void {
    const id = `open ${crypto.randomUUID()}`;
    this.forget();
    this.opening = id;
    this.connecting();
    this.heard();
    this.send({ op: "open", id, ...this.options.place() });
  }

  /** Whether an event belongs to the present opening. */
  private isAnswered(id: string | number | undefined): boolean {
    if (this.opening !== undefined && id === this.opening) {
      this.opening = undefined;
      this.isOpen = true;
    }
    return this.isOpen;
  }
}
