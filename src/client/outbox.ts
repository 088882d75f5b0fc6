import { ParleyError } from "./error.ts";
import type { EventOf } from "./received.ts";

type Refusal = EventOf<"error">;

interface Entry<Question, Answer> {
  id: string;
  frame: Question;
  /** The number of attempts. */
  tries: number;
  /** Whether the present attempt is in flight. */
  sent: boolean;
  resolve: (answer: Answer) => void;
  reject: (error: ParleyError) => void;
}

/** Timeout of an answer on an open socket. */
const ANSWER_WITHIN_MS = 30_000;

/** Messages in flight at most: a hundred that exceed the rate would end the session. */
const MAX_SENDS_IN_FLIGHT = 50;

export interface OutboxOptions<Question, Answer> {
  /** What the ids of commands begin with, where others use the same socket. */
  prefix?: string;
  transmit: (frame: object) => void;
  /** An answer is missing on an open socket: the socket must be replaced. */
  onUnanswered: () => void;
  /** An unanswered command is sent again. */
  onResend: (frame: Question) => void;
  /** The answer to a refused command of which an earlier attempt had succeeded. */
  wasDone: (frame: Question, code: string) => Answer | undefined;
}

/**
 * The unanswered commands. While the session is live, messages are sent at once, at most fifty in flight, in
 * order, with a `clientMessageId` that makes retries idempotent. Other commands are sent one at a time, each
 * after the answer to the one before, so that retries keep their order. A new session starts with the
 * commands that the last one left unanswered.
 */
export class Outbox<Question extends { op: string }, Answer extends { type: string }> {
  private readonly options: OutboxOptions<Question, Answer>;
  private readonly sends: Entry<Question, Answer>[] = [];
  private readonly others: Entry<Question, Answer>[] = [];
  private live = false;
  private serial = 0;
  private patience: ReturnType<typeof setTimeout> | undefined;
  private pause: ReturnType<typeof setTimeout> | undefined;
  /** While the rate of sends is exceeded: messages that are not in flight wait. */
  private sendPause: ReturnType<typeof setTimeout> | undefined;

  constructor(options: OutboxOptions<Question, Answer>) {
    this.options = options;
  }

  /** Sends now, or once the session is live; resolves with the answer. */
  ask(frame: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const id = `${this.options.prefix ?? ""}${++this.serial}`;
      const entry = { id, frame: { ...frame, id }, tries: 0, sent: false, resolve, reject };
      (frame.op === "send" ? this.sends : this.others).push(entry);
      this.flush();
    });
  }

  /** The session is live: unanswered and queued commands are sent. */
  resume(): void {
    this.live = true;
    this.flush();
  }

  /** The session has ended; commands in flight may or may not have been carried out. */
  interrupt(): void {
    this.live = false;
    clearTimeout(this.patience);
    clearTimeout(this.pause);
    clearTimeout(this.sendPause);
    this.pause = undefined;
    this.sendPause = undefined;
    for (const entry of [...this.sends, ...this.others]) entry.sent = false;
  }

  /** No more answers will arrive. */
  abandon(reason: string): void {
    this.interrupt();
    for (const entry of [...this.sends.splice(0), ...this.others.splice(0)]) {
      entry.reject(new ParleyError("closed", reason));
    }
  }

  /** Handles an answer; false when nothing was waiting for it. */
  answer(event: (Answer & { id?: unknown }) | Refusal): boolean {
    const entry = [...this.others.slice(0, 1), ...this.sends].find(({ id }) => id === event.id);
    if (!entry?.sent) return false;
    if (isRefusal(event) && event.code === "rate_limited") {
      if (entry.frame.op !== "send") {
        this.again(entry, event.retryAfterMs ?? 1_000);
        return true;
      }
      this.holdSends(event.retryAfterMs ?? 1_000);
    }
    const list = entry.frame.op === "send" ? this.sends : this.others;
    list.splice(list.indexOf(entry), 1);
    this.settle(entry, event);
    this.flush();
    return true;
  }

  private settle(entry: Entry<Question, Answer>, event: Answer | Refusal): void {
    if (!isRefusal(event)) {
      entry.resolve(event);
      return;
    }
    const done = entry.tries > 1 ? this.options.wasDone(entry.frame, event.code) : undefined;
    if (done) entry.resolve(done);
    else entry.reject(new ParleyError(event.code, event.message, event));
  }

  /** Commands other than sends have a separate rate, which allows more after a second. */
  private again(entry: Entry<Question, Answer>, afterMs: number): void {
    entry.sent = false;
    entry.tries--;
    this.pause = setTimeout(() => {
      this.pause = undefined;
      this.flush();
    }, afterMs);
    this.flush();
  }

  /** A message exceeded the rate: messages that were not sent wait until the rate allows them. */
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
    // A paused command is not in flight: no answer is missing.
    if (this.sends.some(({ sent }) => sent) || next?.sent) {
      this.patience = setTimeout(() => this.options.onUnanswered(), ANSWER_WITHIN_MS);
    }
  }

  private transmit(entry: Entry<Question, Answer>): void {
    if (entry.sent) return;
    entry.sent = true;
    entry.tries++;
    if (entry.tries > 1) this.options.onResend(entry.frame);
    this.options.transmit(entry.frame);
  }
}

function isRefusal(event: { type: string }): event is Refusal {
  return event.type === "error";
}
