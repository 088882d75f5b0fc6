import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contains, type Range, rangesOf, size, subtract } from "../../src/domain/read-ranges.ts";
import { ComparedReads } from "./compared-reads.ts";
import { PEOPLE, steps, take } from "./read-steps.ts";

test("figures and ranges are equal to a recount, after every step of a random conversation", () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const twins = new ComparedReads(...PEOPLE.slice(0, 2));
      for (const step of sequence) take(twins, step);
      twins.updateLists();
    }),
    { numRuns: 5_000 },
  );
});

describe("unread", () => {
  test("is the number of unread messages by others; a user's own later message does not change it", () => {
    const chat = new ComparedReads("ada", "bob");
    chat.send("ada", "bob", "ada", undefined, "bob");
    expect(chat.unread("bob")).toEqual([1, 3]);
    expect(chat.unread("ada")).toEqual([2, 5]);
  });

  test("does not include messages from before a member joined, or joined again", () => {
    const chat = new ComparedReads("ada", "bob");
    chat.send("ada", "ada");
    chat.join("cyd");
    expect(chat.unread("cyd")).toEqual([]);
    chat.send("ada", "cyd");
    expect(chat.unread("cyd")).toEqual([3]);
    chat.leave("cyd");
    chat.send("ada", "cyd", "bob");
    chat.join("cyd");
    expect(chat.unread("cyd")).toEqual([]);
    chat.delete(7);
    chat.delete(4);
    chat.send("bob");
    expect(chat.unread("cyd")).toEqual([8]);
  });

  test("decreases with the deletion of an unread message, and of no other", () => {
    const chat = new ComparedReads("ada", "bob");
    chat.send("ada", "ada", "bob", "ada", "ada");
    chat.markSome("bob", [2]);
    for (const number of [2, 3, 4]) chat.delete(number);
    expect(chat.unread("bob")).toEqual([1, 5]);
    chat.updateLists();
  });

  test("is zero in lists too when a read message is marked again and then deleted", () => {
    const chat = new ComparedReads("ada", "bob");
    chat.send("ada", "ada");
    chat.markSome("bob", [2]);
    chat.delete(1);
    chat.updateLists();
    chat.markSome("bob", [2]);
    chat.delete(2);
    chat.updateLists();
    expect(chat.unread("bob")).toEqual([]);
  });
});

describe("marking", () => {
  test("all leaves nothing unread, and marks each message once", () => {
    const chat = new ComparedReads("ada", "bob");
    chat.send("ada", "bob", undefined, "ada", "ada");
    expect(chat.markSome("bob", [4])).toBe(1);
    expect(chat.markUpTo("bob", 5)).toBe(2);
    expect(chat.markUpTo("bob", 5)).toBe(0);
    expect(chat.unread("bob")).toEqual([]);
    expect(chat.receipts("bob")).toEqual([1, 4, 5]);
  });

  test("up to a message does not change later ones, read or not", () => {
    const chat = new ComparedReads("ada", "bob");
    chat.send("ada", "ada", "ada", "ada", "ada");
    chat.markSome("bob", [2, 5]);
    expect(chat.markUpTo("bob", 3)).toBe(2);
    expect(chat.unread("bob")).toEqual([4]);
    expect(chat.receipts("bob")).toEqual([1, 2, 3, 5]);
  });

  test("up to a number beyond the last marks the existing messages, and no later ones", () => {
    const chat = new ComparedReads("ada", "bob");
    chat.send("ada", "ada");
    expect(chat.markUpTo("bob", 1_000)).toBe(2);
    chat.send("ada");
    expect(chat.unread("bob")).toEqual([3]);
  });

  test("in a conversation without messages does nothing", () => {
    const chat = new ComparedReads("ada", "bob");
    expect(chat.markUpTo("bob", 0)).toBe(0);
    expect(chat.markUpTo("bob", 1)).toBe(0);
    expect(chat.markSome("bob", [])).toBe(0);
  });

  test("a message twice, at once or later, is the same as marking it once", () => {
    const chat = new ComparedReads("ada", "bob");
    chat.send("ada", "ada", "ada");
    expect(chat.markSome("bob", [3, 3, 2])).toBe(2);
    expect(chat.markSome("bob", [2, 3])).toBe(0);
    expect(chat.unread("bob")).toEqual([1]);
  });

  test("the user's own, a deleted or a system message creates no receipt", () => {
    const chat = new ComparedReads("ada", "bob");
    chat.send("ada", "bob", undefined, "ada");
    chat.delete(1);
    expect(chat.markSome("bob", [1, 2, 3])).toBe(0);
    expect(chat.markUpTo("bob", 4)).toBe(1);
    expect(chat.receipts("bob")).toEqual([4]);
  });

  test("a message from before a member joined creates a receipt", () => {
    const chat = new ComparedReads("ada", "bob");
    chat.send("ada", "ada", "ada");
    chat.join("cyd");
    expect(chat.markUpTo("cyd", 3)).toBe(0);
    expect(chat.markSome("cyd", [2])).toBe(1);
    expect(chat.receipts("cyd")).toEqual([2]);
  });

  test("the first unread message raises readUpTo over the read, own or uncounted ones after it", () => {
    const chat = new ComparedReads("ada", "bob");
    chat.send("ada", "bob", "ada", undefined, "ada", "bob");
    chat.markSome("bob", [3]);
    expect(chat.figures("bob")).toEqual({ readUpTo: 0, readBeyond: 3 });
    chat.markSome("bob", [1]);
    expect(chat.figures("bob")).toEqual({ readUpTo: 4, readBeyond: 1 });
    chat.markSome("bob", [5]);
    expect(chat.figures("bob")).toEqual({ readUpTo: 6, readBeyond: 0 });
  });

  test("the message before a thousand that were read out of order leaves nothing unread", () => {
    const chat = new ComparedReads("ada", "bob");
    chat.send(...Array.from({ length: 1_001 }, (_, index) => (index % 7 === 3 ? "bob" : "ada")));
    chat.markSome(
      "bob",
      Array.from({ length: 1_000 }, (_, index) => index + 2),
    );
    expect(chat.unread("bob")).toEqual([1]);
    expect(chat.markSome("bob", [1])).toBe(1);
    chat.send("ada");
    expect(chat.markUpTo("bob", 1_002)).toBe(1);
    expect(chat.unread("bob")).toEqual([]);
  });
});

describe("ranges, compared with sets of numbers", () => {
  const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 30, size: "max" });
  /** Ranges in order and without overlap; some are adjacent. */
  const ranges = fc
    .tuple(numbers, fc.func(fc.boolean()))
    .map(([held, isCut]) => rangesOf(ascending(held)).flatMap((range) => cut(range, isCut)));

  function ascending(held: Iterable<number>): number[] {
    return Array.from(held).sort((a, b) => a - b);
  }

  function cut({ from, to }: Range, isCut: (at: number) => boolean): Range[] {
    const middle = Math.floor((from + to) / 2);
    if (from === to || !isCut(from)) return [{ from, to }];
    return [
      { from, to: middle },
      { from: middle + 1, to },
    ];
  }

  function held(some: readonly Range[]): number[] {
    return some.flatMap(({ from, to }) =>
      Array.from({ length: to - from + 1 }, (_, i) => from + i),
    );
  }

  test("numbers become the smallest number of ranges", () => {
    expect(rangesOf([])).toEqual([]);
    expect(rangesOf([3, 4, 4, 6, 8, 9])).toEqual([
      { from: 3, to: 4 },
      { from: 6, to: 6 },
      { from: 8, to: 9 },
    ]);
    fc.assert(
      fc.property(numbers, (some) => {
        const all = ascending(some);
        const found = rangesOf(all);
        expect(held(found)).toEqual(all);
        expect(rangesOf(all.flatMap((number) => [number, number]))).toEqual(found);
        expect(found.length).toBe(all.filter((number) => !all.includes(number - 1)).length);
      }),
    );
  });

  test("subtracting returns the rest, in order", () => {
    expect(subtract([{ from: 1, to: 9 }], [{ from: 3, to: 4 }])).toEqual([
      { from: 1, to: 2 },
      { from: 5, to: 9 },
    ]);
    fc.assert(
      fc.property(ranges, ranges, (some, others) => {
        const gone = new Set(held(others));
        const left = subtract(some, others);
        expect(held(left)).toEqual(held(some).filter((number) => !gone.has(number)));
        for (const { from, to } of left) expect(from).toBeLessThanOrEqual(to);
      }),
      { numRuns: 500 },
    );
  });

  test("size and contains are equal to those of the set", () => {
    fc.assert(
      fc.property(ranges, (some) => {
        const set = new Set(held(some));
        expect(size(some)).toBe(set.size);
        for (let number = 0; number <= 41; number++) {
          expect(contains(some, number)).toBe(set.has(number));
        }
      }),
    );
  });
});
