import { LeakyBucket, type Penalty, type Rate, Violations } from "../../../domain/budget.ts";
import {
  MAX_ANSWER_BYTES,
  MAX_BAD_FRAMES,
  MAX_COMMANDS_PER_SECOND,
  MAX_UNREAD_BYTES,
} from "../../../live/version.ts";

const COMMANDS: Rate = { burst: MAX_COMMANDS_PER_SECOND, perSecond: MAX_COMMANDS_PER_SECOND };
/** Bytes of answers to `history` and `sync`: what a client that was away for long asks for fits. */
const ANSWERS: Rate = { burst: 24 * 1024 * 1024, perSecond: 1024 * 1024 };
/** The one that is too many closes the socket. */
const BAD_FRAMES: Rate = { burst: MAX_BAD_FRAMES - 1, perSecond: 0.1 };

/** Limits on what one socket may cause. Kept in memory: they reset when the object wakes. */
export class SocketBudget {
  private readonly commands = new LeakyBucket(COMMANDS);
  private readonly answers = new LeakyBucket(ANSWERS);
  private readonly badFrames = new LeakyBucket(BAD_FRAMES);
  private readonly violations = new Violations();
  /** Bytes of answers since the client last showed that it reads. */
  private unread = 0;
  /** Bytes of all answers: a client could use another socket to feign that it reads this one. */
  private total = 0;
  /** The last revision of the last `sync`: only a client that has read it can continue there. */
  private syncedTo: number | undefined;

  /** Spends a command; what to do with one that is too many. */
  command(now: number): Penalty | undefined {
    return this.commands.take(1, now) ? undefined : this.violations.add(now);
  }

  /** A send over the conversation's own limit was refused; true when the socket has to be closed. */
  refusedSend(now: number): boolean {
    return this.violations.add(now) === "end";
  }

  /** A frame could not be read; true when the socket has to be closed. */
  badFrame(now: number): boolean {
    return !this.badFrames.take(1, now);
  }

  /** Milliseconds until the socket may ask for another answer; 0: it may now. */
  answerWaitMs(now: number): number {
    return this.answers.waitMs(0, now);
  }

  /** The client requests what follows `since`: a revision that it can know from the last page only. */
  continues(since: number): void {
    if (since === this.syncedTo) this.unread = 0;
    this.syncedTo = undefined;
  }

  /**
   * An answer of so many bytes is sent; `to`: the revision of a `sync`. False when the client may have left
   * too much unread: the runtime does not say how much of it is buffered.
   */
  answered(bytes: number, now: number, to?: number): boolean {
    this.answers.charge(bytes, now);
    this.unread += bytes;
    this.total += bytes;
    if (to !== undefined) this.syncedTo = to;
    return this.unread <= MAX_UNREAD_BYTES && this.total <= MAX_ANSWER_BYTES;
  }
}
