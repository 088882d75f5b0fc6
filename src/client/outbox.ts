import type { ClientFrame } from "../live/frames.ts";
import { ParleyError } from "./error.ts";
import type { ServerEvent } from "./received.ts";

type EventOf<Type extends ServerEvent["type"]> = Extract<ServerEvent, { type: Type }>;
export type Answer = EventOf<"ack"> | EventOf<"sync">;
/** What can be asked and is answered; `typing` is answered with nothing. */
export type Question = Exclude<ClientFrame, { op: "typing" }>;
export type SendFrame = Extract<ClientFrame, { op: "send" }>;

interface Entry {
  id: string;
  frame: Question;
  /** How often it has been sent. */
  tries: number;
  /** Of this try: whether it is on its way. */
  sent: boolean;
  resolve: (answer: Answer) => void;
  reject: (error: ParleyError) => void;
}

/** What waits no longer than this for its answer, on a socket that stands. */
const ANSWER_WITHIN_MS = 30_000;

/** Messages on their way at once: a hundred that are refused for their rate would end the session. */
const MAX_SENDS_IN_FLIGHT = 50;

export interface OutboxOptions {
  transmit: (frame: string) => void;
  /** The socket stands, but an answer is missing: it is to be replaced. */
  onUnanswered: () => void;
  /** Something is sent again that was sent before and not answered. */
  onResend: (frame: Question) => void;
  /** Whether a refused command had in truth been carried out by an earlier try. */
  wasDone: (frame: Question, code: string) => boolean;
}

/**
 * What has been asked and not been answered. While the session is live, messages go out at once, fifty at
 * a time, in order, under a `clientMessageId` that makes sending them again harmless. Everything else goes one at a
 * time, each after the answer to the one before, so that no edit overtakes another when it has to be
 * sent again. A new session starts with what the last one left unanswered.
 */
export class Outbox {
  private readonly options: OutboxOptions;
  private readonly sends: Entry[] = [];
  private readonly others: Entry[] = [];
  private live = false;
  private serial = 0;
  private patience: ReturnType<typeof setTimeout> | undefined;
  private pause: ReturnType<typeof setTimeout> | undefined;
  /** While the rate of sends is used up: those that are not on their way wait. */
  private sendPause: ReturnType<typeof setTimeout> | undefined;

  constructor(options: OutboxOptions) {
    this.options = options;
  }

  /** Sends now, or as soon as the session is live; resolves with the answer. */
  ask(frame: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const id = String(++this.serial);
      const entry: Entry = { id, frame: { ...frame, id }, tries: 0, sent: false, resolve, reject };
      (frame.op === "send" ? this.sends : this.others).push(entry);
      this.flush();
    });
  }

  /** The session is live: what is left from the last one goes out again, and what has waited. */
  resume(): void {
    this.live = true;
    this.flush();
  }

  /** The session is over; what was on its way may or may not have arrived. */
  interrupt(): void {
    this.live = false;
    clearTimeout(this.patience);
    clearTimeout(this.pause);
    clearTimeout(this.sendPause);
    this.pause = undefined;
    this.sendPause = undefined;
    for (const entry of [...this.sends, ...this.others]) entry.sent = false;
  }

  /** Nothing will be answered any more. */
  abandon(reason: string): void {
    this.interrupt();
    for (const entry of [...this.sends.splice(0), ...this.others.splice(0)]) {
      entry.reject(new ParleyError("closed", reason));
    }
  }

  /** Takes an answer; false when nobody asked. */
  answer(event: Answer | EventOf<"error">): boolean {
    const entry = [...this.others.slice(0, 1), ...this.sends].find(({ id }) => id === event.id);
    if (!entry?.sent) return false;
    if (event.type === "error" && event.code === "rate_limited" && entry.frame.op !== "send") {
      this.again(entry, event.retryAfterMs ?? 1_000);
      return true;
    }
    if (event.type === "error" && event.code === "rate_limited") {
      this.holdSends(event.retryAfterMs ?? 1_000);
    }
    const list = entry.frame.op === "send" ? this.sends : this.others;
    list.splice(list.indexOf(entry), 1);
    this.settle(entry, event);
    this.flush();
    return true;
  }

  private settle(entry: Entry, event: Answer | EventOf<"error">): void {
    if (event.type !== "error") {
      entry.resolve(event);
    } else if (entry.tries > 1 && this.options.wasDone(entry.frame, event.code)) {
      entry.resolve({ type: "ack", rev: 0 });
    } else {
      entry.reject(new ParleyError(event.code, event.message, event));
    }
  }

  /** Commands other than sends have a rate of their own, and a second later there is room again. */
  private again(entry: Entry, afterMs: number): void {
    entry.sent = false;
    entry.tries--;
    this.pause = setTimeout(() => {
      this.pause = undefined;
      this.flush();
    }, afterMs);
    this.flush();
  }

  /** A message was refused for its rate: those that have not gone out wait until there is room. */
  private holdSends(afterMs: number): void {
    this.sendPause ??= setTimeout(() => {
      this.sendPause = undefined;
      this.flush();
    }, afterMs);
  }

  private flush(): void {
    if (!this.live) return;
    if (this.sendPause === undefined) {
      for (const entry of this.sends.slice(0, MAX_SENDS_IN_FLIGHT)) this.transmit(entry);
    }
    const [next] = this.others;
    if (next && this.pause === undefined) this.transmit(next);
    clearTimeout(this.patience);
    // What pauses is not on its way: no answer to it is missing.
    if (this.sends.some(({ sent }) => sent) || next?.sent) {
      this.patience = setTimeout(() => this.options.onUnanswered(), ANSWER_WITHIN_MS);
    }
  }

  private transmit(entry: Entry): void {
    if (entry.sent) return;
    entry.sent = true;
    entry.tries++;
    if (entry.tries > 1) this.options.onResend(entry.frame);
    this.options.transmit(JSON.stringify(entry.frame));
  }
}
