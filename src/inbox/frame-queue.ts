import { MAX_GROUP } from "../conversation/commit/committer.ts";
import type { FrameAnswer } from "../conversation/outbound/subscribers/inbox-room-api.ts";
import type { ClientFrame } from "../live/frames.ts";

export interface FrameQueueOptions {
  /** Has the conversation carry out frames in one call; `undefined`: it failed, and nothing follows. */
  carryOut: (frames: readonly ClientFrame[]) => Promise<FrameAnswer[] | undefined>;
  onAnswers: (answers: readonly FrameAnswer[]) => void;
  /** {@link FrameQueue.isIdle} may have changed. */
  onChanged: () => void;
}

/**
 * The frames of a client for one conversation, in order: at most one call is under way, and frames that come
 * meanwhile are sent with the next one. Sends with files and searches take longer, and do not hold up the others.
 */
export class FrameQueue {
  private readonly options: FrameQueueOptions;
  private readonly waiting: ClientFrame[] = [];
  private isStarted: boolean;
  private isCalling = false;
  private apart = 0;

  /** `isStarted`: before {@link start} is called, frames wait. */
  constructor(options: FrameQueueOptions, isStarted: boolean) {
    this.options = options;
    this.isStarted = isStarted;
  }

  /** Frames that the conversation has not been given yet. */
  get backlog(): number {
    return this.waiting.length;
  }

  /** Nothing waits, and no call is under way. */
  get isIdle(): boolean {
    return !this.isCalling && this.apart === 0 && this.waiting.length === 0;
  }

  start(): void {
    this.isStarted = true;
    this.next();
  }

  push(frame: ClientFrame): void {
    this.waiting.push(frame);
    this.next();
  }

  /** Drops what waits. */
  end(): void {
    this.waiting.length = 0;
  }

  /** Gives the conversation the frames that wait: those up to one that takes longer in one call. */
  private next(): void {
    while (this.isStarted && !this.isCalling) {
      const [frame] = this.waiting;
      if (!frame) break;
      if (takesLonger(frame)) {
        this.waiting.shift();
        void this.callApart(frame);
        continue;
      }
      const longer = this.waiting.findIndex(takesLonger);
      const count = Math.min(longer < 0 ? this.waiting.length : longer, MAX_GROUP);
      void this.call(this.waiting.splice(0, count));
    }
    this.options.onChanged();
  }

  private async call(frames: readonly ClientFrame[]): Promise<void> {
    this.isCalling = true;
    const answers = await this.options.carryOut(frames);
    this.isCalling = false;
    this.answered(answers);
  }

  private async callApart(frame: ClientFrame): Promise<void> {
    this.apart++;
    const answers = await this.options.carryOut([frame]);
    this.apart--;
    this.answered(answers);
  }

  private answered(answers: FrameAnswer[] | undefined): void {
    if (!answers) return;
    this.options.onAnswers(answers);
    this.next();
  }
}

function takesLonger(frame: ClientFrame): boolean {
  return frame.op === "search" || hasFiles(frame);
}

/** Whether it is a send with files. */
export function hasFiles(frame: ClientFrame): boolean {
  return frame.op === "send" && (frame.attachments?.length ?? 0) > 0;
}
