import { LeakyBucket, type Rate } from "../domain/budget.ts";

/** Fewer than the server allows (`MAX_COMMANDS_PER_SECOND`): it would ignore what is beyond that. */
const COMMANDS: Rate = { burst: 10, perSecond: 10 };

/**
 * Sends commands in order, no faster than the server takes them from one socket. Messages without files, which
 * have a separate rate, do not wait.
 */
export class Pacer {
  private readonly transmit: (frame: object) => void;
  private readonly clock: () => number;
  private readonly bucket = new LeakyBucket(COMMANDS);
  private readonly waiting: object[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(transmit: (frame: object) => void, clock: () => number) {
    this.transmit = transmit;
    this.clock = clock;
  }

  /** Sends a frame now or soon. */
  send(frame: object): void {
    if (isText(frame)) {
      this.transmit(frame);
      return;
    }
    this.waiting.push(frame);
    if (this.timer === undefined) this.flush();
  }

  /** The socket is gone, and with it what waited for it. */
  forget(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting.length = 0;
  }

  private flush(): void {
    this.timer = undefined;
    for (const now = this.clock(); this.waiting.length > 0; ) {
      if (!this.bucket.take(1, now)) {
        this.timer = setTimeout(() => this.flush(), this.bucket.waitMs(1, now));
        return;
      }
      for (const frame of this.waiting.splice(0, 1)) this.transmit(frame);
    }
  }
}

function isText(frame: object): boolean {
  return "op" in frame && frame.op === "send" && !("attachments" in frame);
}
