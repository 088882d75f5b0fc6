import { Emitter } from "./emitter.ts";
import { ParleyError } from "./error.ts";
import { Feed } from "./feed.ts";
import type { Link, Status } from "./link.ts";

export type StatusEvent = { type: "status" } & Status;

/**
 * A state that is kept up to date over a connection, and the events that change it. Listen with `on`, or
 * iterate: `for await (const event of …)` ends when the connection is closed for good.
 */
export abstract class Live<Event extends { type: string }>
  extends Emitter<Event | StatusEvent>
  implements AsyncIterable<Event | StatusEvent>
{
  protected abstract readonly link: Link;
  private current: Status = { state: "offline", reason: "not connected yet", retryInMs: 0 };
  private readonly waiting = new Set<(status: Status) => void>();

  get status(): Status {
    return this.current;
  }

  /** Connects, and stays connected until `close`; when a wait for the next attempt is running, ends it. */
  connect(): this {
    this.link.open();
    return this;
  }

  /**
   * For the moment in which a network or a machine is available again: ends a wait for the next attempt, and a
   * socket that stands is asked now, not half a minute later, whether it still does.
   */
  wake(): this {
    this.link.wake();
    return this;
  }

  /** Closes for good: what is not acknowledged is rejected. */
  close(): void {
    this.link.close("closed by the caller");
  }

  /** Resolves once everything has been caught up with; rejects when it is closed. */
  async live(): Promise<this> {
    let status = this.current;
    while (status.state !== "live") {
      if (status.state === "closed") throw new ParleyError("closed", status.reason);
      status = await new Promise<Status>((resolve) => this.waiting.add(resolve));
    }
    return this;
  }

  /** Every event from now on. What is not taken yet is kept. */
  [Symbol.asyncIterator](): AsyncIterator<Event | StatusEvent> {
    const isClosed = () => this.current.state === "closed";
    return new Feed((listener) => this.on("event", listener), isClosed, isClosed());
  }

  protected publishStatus(status: Status): void {
    const event: StatusEvent = { type: "status", ...status };
    this.current = event;
    this.emit(event);
    for (const resolve of [...this.waiting]) resolve(event);
    this.waiting.clear();
  }

  /** Rejects what is asked of a closed one. */
  protected refusal(): ParleyError | undefined {
    return this.current.state === "closed"
      ? new ParleyError("closed", this.current.reason)
      : undefined;
  }
}
