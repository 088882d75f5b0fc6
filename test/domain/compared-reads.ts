import { expect } from "vitest";
import { contains, type Figures, type Marked } from "../../src/domain/read-ranges.ts";
import { NaiveReads } from "./naive-reads.ts";
import { StoredReads } from "./stored-reads.ts";

/** One conversation stored in both ways; each step is compared with a recount. */
export class ComparedReads {
  private readonly naive = new NaiveReads();
  private readonly stored = new StoredReads();
  private readonly people = new Set<string>();

  constructor(...members: string[]) {
    for (const userId of members) this.join(userId);
  }

  get lastNumber(): number {
    return this.naive.messages.length;
  }

  isPresent(userId: string): boolean {
    return this.naive.isPresent(userId);
  }

  /** The numbers of a member's unread messages. */
  unread(userId: string): number[] {
    return this.naive.unread(userId);
  }

  /** The numbers whose receipts list a member. */
  receipts(userId: string): number[] {
    return this.naive.receipts(userId);
  }

  figures(userId: string): Figures {
    return this.stored.member(userId).figures;
  }

  /** Sends one message for each sender; `undefined` is the system. */
  send(...senders: (string | undefined)[]): void {
    for (const sender of senders) {
      this.naive.send(sender);
      this.stored.send(sender);
    }
    this.compare();
  }

  delete(number: number): void {
    this.naive.delete(number);
    this.stored.delete(number);
    this.compare();
  }

  join(userId: string): void {
    this.people.add(userId);
    this.naive.join(userId);
    this.stored.join(userId);
    this.compare();
  }

  leave(userId: string): void {
    this.naive.leave(userId);
    this.stored.leave(userId);
    this.compare();
  }

  /** Returns how many messages became read. */
  markUpTo(userId: string, number: number): number {
    const counted = this.naive.markUpTo(userId, number);
    return this.marked(userId, counted, () => this.stored.markUpTo(userId, number));
  }

  /**
   * Returns how many messages became read; as the command does, it skips messages that cannot be
   * read.
   */
  markSome(userId: string, numbers: readonly number[]): number {
    const readable = numbers
      .filter((number) => this.naive.isReadable(userId, number))
      .sort((a, b) => a - b);
    const counted = this.naive.markSome(userId, readable);
    return this.marked(userId, counted, () => this.stored.markSome(userId, readable));
  }

  /** Updates the lists as the projector does. */
  updateLists(): void {
    this.stored.updateLists();
    for (const userId of this.present()) {
      same(
        this.stored.listedUnread(userId),
        this.unread(userId).length,
        `${userId}'s unread, listed`,
      );
    }
  }

  private marked(userId: string, counted: number, mark: () => Marked): number {
    const { figures: before, ranges } = this.stored.member(userId);
    const { newlyRead, pieces, figures } = mark();
    same(newlyRead, counted, `newly read by ${userId}`);
    same(pieces.length > 0, counted > 0, `${userId} has ranges to add when messages became read`);
    if (pieces.length === 0) {
      const passed = ranges.filter(
        ({ from, to }) => Math.max(from, before.readUpTo + 1) <= Math.min(to, figures.readUpTo),
      );
      same(passed.length, 0, `ranges that ${userId} passed with nothing to tell the lists`);
    }
    this.compare();
    return newlyRead;
  }

  private present(): string[] {
    return [...this.people].filter((userId) => this.isPresent(userId));
  }

  private compare(): void {
    for (const userId of this.present()) {
      this.compareFigures(userId);
      this.compareRanges(userId);
    }
  }

  private compareFigures(userId: string): void {
    const { readUpTo, readBeyond } = this.figures(userId);
    const unread = this.naive.unread(userId);
    same(this.stored.unread(userId), unread.length, `${userId}'s unread`);
    const upTo = unread.filter((number) => number <= readUpTo);
    same(upTo.join(), "", `${userId}'s unread up to readUpTo`);
    same(readBeyond, this.naive.settledAfter(userId, readUpTo), `${userId}'s readBeyond`);
  }

  private compareRanges(userId: string): void {
    const { ranges } = this.stored.member(userId);
    const covered: number[] = [];
    for (let number = 1; number <= this.lastNumber; number++) {
      if (contains(ranges, number) && this.naive.isReadable(userId, number)) covered.push(number);
    }
    same(covered.join(), this.naive.receipts(userId).join(), `${userId}'s receipts`);
    let end = 0;
    for (const { from, to } of ranges) {
      same(from > end && from <= to && to <= this.lastNumber, true, `${userId}'s ranges in order`);
      end = to;
    }
  }
}

/** Replaces `expect`, which would take most of the time: it is called half a million times. */
function same<T extends string | number | boolean>(actual: T, expected: T, what: string): void {
  if (actual !== expected) expect(actual, what).toBe(expected);
}
