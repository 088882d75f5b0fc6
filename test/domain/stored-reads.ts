import {
  contains,
  type Figures,
  type Marked,
  markSome,
  markUpTo,
  type Range,
  type ReadFacts,
} from "../../src/domain/read-ranges.ts";
import type { Sent } from "./naive-reads.ts";

interface StoredMember {
  present: boolean;
  figures: Figures;
  /** In order of number. */
  ranges: Range[];
}

/** The state of the lists: figures, numbers and messages as of the last update. */
interface Listed {
  lastNumber: number;
  uncounted: Set<number>;
  figures: Map<string, Figures>;
}

/**
 * One conversation as the code stores it: ranges and two figures for each member, and the uncounted
 * numbers. Sends, deletions and joining adjust them as `conversation/commands` does, and the lists
 * are updated as the projector updates D1: with members who changed or marked, with senders, and
 * with readers ahead.
 */
export class StoredReads {
  readonly messages: Sent[] = [];
  readonly members = new Map<string, StoredMember>();
  private readonly uncounted: number[] = [];
  private readonly listed: Listed = { lastNumber: 0, uncounted: new Set(), figures: new Map() };
  private changedMembers = new Set<string>();
  private changedMessages = new Set<number>();

  send(sender: string | undefined): void {
    this.messages.push({ sender, deleted: false });
    const number = this.messages.length;
    this.changedMessages.add(number);
    if (sender === undefined) this.uncounted.push(number);
    const member = sender === undefined ? undefined : this.members.get(sender);
    if (!member) return;
    const { readUpTo, readBeyond } = member.figures;
    member.figures =
      readUpTo === number - 1
        ? { readUpTo: number, readBeyond }
        : { readUpTo, readBeyond: readBeyond + 1 };
  }

  delete(number: number): void {
    const message = this.messages[number - 1];
    if (!message || message.deleted) return;
    message.deleted = true;
    this.changedMessages.add(number);
    if (message.sender === undefined) return;
    for (const userId of new Set([message.sender, ...this.readersAhead(number)])) {
      const member = this.members.get(userId);
      if (!member || member.figures.readUpTo >= number) continue;
      const { readUpTo, readBeyond } = member.figures;
      member.figures = { readUpTo, readBeyond: readBeyond - 1 };
    }
    this.uncounted.push(number);
    this.uncounted.sort((a, b) => a - b);
  }

  join(userId: string): void {
    const ranges = this.members.get(userId)?.ranges ?? [];
    const figures = { readUpTo: this.messages.length, readBeyond: 0 };
    this.members.set(userId, { present: true, figures, ranges });
    this.changedMembers.add(userId);
  }

  leave(userId: string): void {
    this.member(userId).present = false;
    this.changedMembers.add(userId);
  }

  markUpTo(userId: string, upTo: number): Marked {
    return this.mark(userId, markUpTo(this.facts(userId), upTo));
  }

  markSome(userId: string, numbers: readonly number[]): Marked {
    return this.mark(userId, markSome(this.facts(userId), numbers));
  }

  unread(userId: string): number {
    const { figures } = this.member(userId);
    return unread(figures, this.messages.length, this.uncounted);
  }

  /** The unread count in the lists, which may be behind the last step. */
  listedUnread(userId: string): number {
    const { figures, lastNumber, uncounted } = this.listed;
    return unread(figures.get(userId) ?? { readUpTo: 0, readBeyond: 0 }, lastNumber, uncounted);
  }

  updateLists(): void {
    const touched = new Set(this.changedMembers);
    for (const number of this.changedMessages) {
      const { sender, deleted } = this.messages[number - 1] ?? { sender: undefined, deleted: true };
      if (sender !== undefined) touched.add(sender);
      if (sender !== undefined && !deleted) continue;
      this.listed.uncounted.add(number);
      for (const userId of this.readersAhead(number)) touched.add(userId);
    }
    for (const userId of touched) {
      const member = this.members.get(userId);
      if (member) this.listed.figures.set(userId, member.figures);
    }
    this.listed.lastNumber = this.messages.length;
    this.changedMembers = new Set();
    this.changedMessages = new Set();
  }

  member(userId: string): StoredMember {
    const member = this.members.get(userId);
    if (!member) throw new Error(`${userId} was never here`);
    return member;
  }

  private mark(userId: string, marked: Marked): Marked {
    const member = this.member(userId);
    member.figures = marked.figures;
    member.ranges = [...member.ranges, ...marked.pieces].sort((a, b) => a.from - b.from);
    // A range takes a revision, which causes the list update; figures alone take none.
    if (marked.pieces.length > 0) this.changedMembers.add(userId);
    return marked;
  }

  private facts(userId: string): ReadFacts {
    const { figures, ranges } = this.member(userId);
    return {
      lastNumber: this.messages.length,
      figures: Object.freeze(figures),
      covered: (from, to) => ranges.filter((range) => range.to >= from && range.from <= to),
      own: (from, to) => {
        const own: number[] = [];
        for (let number = from; number <= to; number++) {
          const message = this.messages[number - 1];
          if (message?.sender === userId && !message.deleted) own.push(number);
        }
        return own;
      },
      uncounted: (from, to) => this.uncountedWithin(from, to),
      countUncounted: (from, to) => this.uncountedWithin(from, to).length,
    };
  }

  private uncountedWithin(from: number, to: number): number[] {
    return this.uncounted.filter((number) => number >= from && number <= to);
  }

  /** Members with a range over `number` that ends after their `readUpTo`. */
  private readersAhead(number: number): string[] {
    return Array.from(this.members)
      .filter(([, { figures, ranges }]) =>
        contains(
          ranges.filter((range) => range.to > figures.readUpTo),
          number,
        ),
      )
      .map(([userId]) => userId);
  }
}

function unread(figures: Figures, lastNumber: number, uncounted: Iterable<number>): number {
  const { readUpTo, readBeyond } = figures;
  const lost = Array.from(uncounted).filter((number) => number > readUpTo).length;
  return lastNumber - readUpTo - readBeyond - lost;
}
