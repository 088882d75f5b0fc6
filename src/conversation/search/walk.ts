import type { Message } from "../../domain/message.ts";
import { type MessageCursor, messagesBackwards, messagesFound } from "../tables/messages.ts";
import { shardOf, tableOf } from "./index-tables.ts";
import type { Condition } from "./prefilter.ts";
import type { SearchIndex } from "./search-index.ts";

export interface WalkOptions {
  sql: SqlStorage;
  index: SearchIndex;
  /** Which messages are looked for: a condition that they fulfil, an expression that finds them in the index. */
  prefilter: Condition;
  expression: string | undefined;
  /** Whether that asks for all words that begin with a letter or two. */
  isShort: boolean;
  matches: (message: Message) => boolean;
  /** Messages `from`…`to` are searched, the newest first. */
  from: number;
  to: number;
  /** It ends with so many hits. */
  limit: number;
}

/** What was done within a turn of the object. */
const NOTHING_DONE = { scanned: 0, lookUps: 0, looked: 0, units: 0 };

/**
 * A search on its way back through a conversation, in slices. What the index has is asked of it; the rest is
 * scanned, and so are the newest messages, and those where most are candidates anyway.
 */
export class Walk {
  /** Messages that were hits when they were looked at, newest first, as they are stored. */
  readonly hits: Message[] = [];
  /** Rows that were read. */
  rows = 0;
  private readonly options: WalkOptions;
  /** Messages from this number on were looked at. */
  private reached: number;
  /** Down to this number everything is scanned. */
  private scanTo: number;
  private turn = NOTHING_DONE;

  constructor(options: WalkOptions) {
    this.options = options;
    this.reached = options.to + 1;
    this.scanTo = this.reached - options.index.bounds.newest;
  }

  /** Every message from this number on was looked at. */
  get lookedBackTo(): number {
    return this.reached;
  }

  /** Nothing is left, or there are enough hits. */
  get isDone(): boolean {
    return this.reached <= this.options.from || this.hits.length >= this.options.limit;
  }

  /** Whether the object has been held for as long as it may be. */
  get isTurnOver(): boolean {
    const { scanned, lookUps, looked, units } = this.turn;
    const { scanSlice, candidates, candidateUnits, ...bounds } = this.options.index.bounds;
    const shards = this.options.isShort ? bounds.shardsOfShortATurn : bounds.shardsATurn;
    const isScanned = scanned >= scanSlice;
    return isScanned || lookUps >= shards || looked >= candidates || units >= candidateUnits;
  }

  /** Another turn of the object begins. */
  beginTurn(): void {
    this.turn = NOTHING_DONE;
  }

  /** Looks at some more messages. */
  next(): void {
    const { index, expression, from } = this.options;
    const to = this.reached - 1;
    const unindexed = (index.coverage?.covered ?? 0) + 1;
    const scanTo = expression === undefined ? from : Math.min(unindexed, this.scanTo);
    if (expression === undefined || to >= scanTo) this.scan(Math.max(from, scanTo), to);
    else this.lookUp(expression, to);
  }

  private scan(from: number, to: number): void {
    const { sql, index, prefilter } = this.options;
    const most = index.bounds.scanSlice - this.turn.scanned;
    const first = Math.max(from, to - most + 1);
    this.turn = { ...this.turn, scanned: this.turn.scanned + to - first + 1 };
    const wanted = this.options.limit - this.hits.length;
    this.take(messagesBackwards(sql, first, to, prefilter, wanted), first, wanted);
  }

  private lookUp(expression: string, to: number): void {
    const { sql, index, from } = this.options;
    const shard = shardOf(sql, to);
    this.rows++;
    // It was dropped, or never made: whatever is missing is scanned.
    if (!shard) {
      this.scan(from, to);
      return;
    }
    const first = Math.max(from, shard.first);
    const hits = this.hits.length;
    this.turn = { ...this.turn, lookUps: this.turn.lookUps + 1 };
    try {
      const looked = this.take(messagesFound(sql, first, to, tableOf(shard), expression), first);
      // A scan reads one row of each message, this two of each candidate.
      const isDense = looked * 2 > to - this.reached + 1 && looked > 1;
      if (isDense) this.scanTo = this.reached - index.bounds.scanSlice;
    } catch (error) {
      // It is scanned instead.
      index.failed(error);
      this.hits.length = hits;
    }
  }

  /**
   * Looks at messages, as many as a slice may; how many that were. `most`: there may be more than so many, down to
   * `first`.
   */
  private take({ messages, rowsRead }: MessageCursor, first: number, most = Infinity): number {
    const { matches, limit, index } = this.options;
    const { candidates, candidateUnits } = index.bounds;
    let { looked, units } = this.turn;
    const lookedBefore = this.turn.looked;
    let reached = first;
    for (const message of messages) {
      looked++;
      units += unitsOf(message);
      if (matches(message)) this.hits.push(message);
      const isLast = looked - lookedBefore === most;
      const isOver = this.hits.length >= limit || looked >= candidates || units >= candidateUnits;
      if (!isLast && !isOver) continue;
      reached = message.number;
      break;
    }
    this.turn = { ...this.turn, looked, units };
    this.reached = reached;
    this.rows += rowsRead();
    return looked - lookedBefore;
  }
}

function unitsOf({ content, attachments }: Message): number {
  return attachments.reduce((sum, { name }) => sum + name.length, content.length);
}
