import { LeakyBucket, type Rate } from "../domain/budget.ts";

/** Fewer than the server allows (`MAX_COMMANDS_PER_SECOND`): it would ignore what is beyond that. */
const COMMANDS: Rate = { burst: 10, perSecond: 10 };

/** Sends frames in order, commands no faster than the server takes them from one socket. */
export class Pacer {
  private readonly transmit: (frame: object) => void;
  private readonly clock: () => number;
  private readonly bucket = new LeakyBucket(COMMANDS);
  private waiting: object[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(transmit: (frame: object) => void, clock: () => number) {
    this.transmit = transmit;
    this.clock = clock;
  }

  /** Sends a frame now or soon. */
  send(frame: object): void {
    this.waiting.push(frame);
    if (this.timer === undefined) this.flush();
  }

  /** The socket is gone, and with it what waited for it. */
  forget(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting = [];
  }

  private flush(): void {
    this.timer = undefined;
    for (const [index, frame] of this.waiting.entries()) {
      const [now, cost] = [this.clock(), costOf(frame)];
      if (this.bucket.take(cost, now)) {
        this.transmit(frame);
        continue;
      }
      this.waiting = this.waiting.slice(index);
      this.timer = setTimeout(() => this.flush(), this.bucket.waitMs(cost, now));
      return;
    }
    this.waiting = [];
  }
}

/** What a frame counts against that rate: sends without files have a separate one. */
function costOf(frame: object): number {
  const isText = "op" in frame && frame.op === "send" && !("attachments" in frame);
  return isText ? 0 : 1;
}
