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

/** Conversations of one socket whose last page is kept. */
const MAX_SYNCED = 200;

/** Limits on what one socket may cause. Kept in memory: they reset when the object wakes. */
export class SocketBudget {
  private readonly commands = new LeakyBucket(COMMANDS);
  private readonly answers = new LeakyBucket(ANSWERS);
  private readonly badFrames = new LeakyBucket(BAD_FRAMES);
  private readonly violations = new Violations();
  /** Bytes of all answers: a client could use another socket to feign that it reads this one. */
  private total = 0;
  /** Bytes of them that the client has shown that it read, or that were sent at a pace of their own. */
  private read = 0;
  /**
   * By conversation, the last revision of the last `sync`, and the bytes up to it: only a client that has
   * read it can continue there.
   */
  private readonly synced = new Map<string, { to: number; total: number }>();

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
  continues(since: number, conversationId = ""): void {
    const last = this.synced.get(conversationId);
    if (last?.to === since) this.read = Math.max(this.read, last.total);
    this.synced.delete(conversationId);
  }

  /**
   * An answer of so many bytes is sent; `to`: the revision of a `sync`. False when the client may have left
   * too much unread: the runtime does not say how much of it is buffered.
   */
  answered(bytes: number, now: number, to?: number, conversationId = ""): boolean {
    this.answers.charge(bytes, now);
    this.total += bytes;
    if (to !== undefined) this.note(conversationId, to);
    return this.total - this.read <= MAX_UNREAD_BYTES && this.total <= MAX_ANSWER_BYTES;
  }

  /** The same for a page that is sent at a pace at which clients read. */
  paced(bytes: number, now: number, to: number, conversationId: string): boolean {
    this.answers.charge(bytes, now);
    this.total += bytes;
    this.read += bytes;
    this.note(conversationId, to);
    return this.total <= MAX_ANSWER_BYTES;
  }

  private note(conversationId: string, to: number): void {
    this.synced.delete(conversationId);
    this.synced.set(conversationId, { to, total: this.total });
    const [oldest] = this.synced.keys();
    if (this.synced.size > MAX_SYNCED && oldest !== undefined) this.synced.delete(oldest);
  }
}
