import { describe, expect, test } from "vitest";
import { SocketBudget } from "../../src/conversation/outbound/sockets/socket-budget.ts";
import {
  MAX_ANSWER_BYTES,
  MAX_BAD_FRAMES,
  MAX_COMMANDS_PER_SECOND,
  MAX_UNREAD_BYTES,
} from "../../src/live/version.ts";

const NOW = 1_000_000_000;
const MEBIBYTE = 1024 * 1024;

/** A budget with some number of calls made already. */
function budgetAfter(calls: number, call: (budget: SocketBudget) => unknown): SocketBudget {
  const budget = new SocketBudget();
  for (let n = 0; n < calls; n++) call(budget);
  return budget;
}

describe("commands", () => {
  const spent = () => budgetAfter(MAX_COMMANDS_PER_SECOND, (budget) => budget.command(NOW));

  test("are accepted up to a rate; then one is refused and further ones are ignored", () => {
    const budget = new SocketBudget();
    const calls = Array.from({ length: MAX_COMMANDS_PER_SECOND + 3 }, () => budget.command(NOW));
    expect(calls.slice(0, -3).every((penalty) => penalty === undefined)).toBe(true);
    expect(calls.slice(-3)).toEqual(["refuse", "ignore", "ignore"]);
  });

  test("are accepted again as time passes", () => {
    const budget = spent();
    const ms = 1_000 / MAX_COMMANDS_PER_SECOND;
    expect(budget.command(NOW + ms)).toBeUndefined();
    expect(budget.command(NOW + ms)).toBe("refuse");
    expect(budget.command(NOW + ms + 1_000)).toBeUndefined();
  });

  test("close the socket after a hundred over the limit", () => {
    const budget = spent();
    for (let n = 0; n < 100; n++) expect(budget.command(NOW)).not.toBe("end");
    expect(budget.command(NOW)).toBe("end");
  });

  test("and refused sends count towards the same violations", () => {
    const budget = budgetAfter(100, (budget) => budget.refusedSend(NOW));
    expect(budget.refusedSend(NOW)).toBe(true);
    const both = budgetAfter(99, (budget) => budget.refusedSend(NOW));
    for (let n = 0; n < MAX_COMMANDS_PER_SECOND; n++) both.command(NOW);
    expect(both.command(NOW)).not.toBe("end");
    expect(both.refusedSend(NOW)).toBe(true);
  });
});

describe("invalid frames", () => {
  test("close the socket at the tenth", () => {
    const budget = new SocketBudget();
    const closes = Array.from({ length: MAX_BAD_FRAMES }, () => budget.badFrame(NOW));
    expect(closes).toEqual([...Array(MAX_BAD_FRAMES - 1).fill(false), true]);
  });

  test.each([
    [9_999, true],
    [10_000, false],
  ])("are forgiven one every ten seconds: after %i ms", (ms, closes) => {
    const budget = budgetAfter(MAX_BAD_FRAMES - 1, (budget) => budget.badFrame(NOW));
    expect(budget.badFrame(NOW + ms)).toBe(closes);
  });
});

describe("answers", () => {
  test("are delayed once 24 MiB were sent, until the budget has drained", () => {
    const budget = new SocketBudget();
    budget.answered(24 * MEBIBYTE, NOW);
    expect(budget.answerWaitMs(NOW)).toBe(0);
    budget.answered(MEBIBYTE, NOW);
    expect(budget.answerWaitMs(NOW)).toBe(1_000);
    expect(budget.answerWaitMs(NOW + 1_000)).toBe(0);
  });

  test.each([
    ["the limit of unread bytes", MAX_UNREAD_BYTES, true],
    ["a byte more", MAX_UNREAD_BYTES + 1, false],
  ])("are sent up to %s", (_, bytes, given) => {
    expect(new SocketBudget().answered(bytes, NOW)).toBe(given);
  });

  test("are acknowledged by a sync from the end of the last page", () => {
    const budget = new SocketBudget();
    budget.answered(MAX_UNREAD_BYTES, NOW, 7);
    budget.continues(7);
    expect(budget.answered(MAX_UNREAD_BYTES, NOW, 9)).toBe(true);
  });

  test.each([
    ["another revision", 8, 7],
    ["a revision without a page", 7, undefined],
  ])("are not acknowledged by a sync from %s", (_, since, to) => {
    const budget = new SocketBudget();
    budget.answered(MAX_UNREAD_BYTES, NOW, to);
    budget.continues(since);
    expect(budget.answered(1, NOW)).toBe(false);
  });

  test("are acknowledged once per page", () => {
    const budget = new SocketBudget();
    budget.answered(1, NOW, 7);
    budget.continues(7);
    budget.answered(MAX_UNREAD_BYTES, NOW);
    budget.continues(7);
    expect(budget.answered(1, NOW)).toBe(false);
  });

  test("of several conversations are acknowledged up to the page that one of them continues from", () => {
    const budget = new SocketBudget();
    const half = MAX_UNREAD_BYTES / 2;
    budget.answered(half, NOW, 7, "one");
    budget.answered(half, NOW, 7, "two");
    budget.continues(7, "one");
    expect(budget.answered(half, NOW, 9, "one")).toBe(true);
    budget.continues(7, "three");
    expect(budget.answered(1, NOW)).toBe(false);
    budget.continues(9, "one");
    expect(budget.answered(half, NOW)).toBe(true);
    // An earlier page shows nothing about a later one.
    budget.continues(7, "two");
    expect(budget.answered(half, NOW)).toBe(false);
  });

  test("that are sent at a pace of their own count as read, and towards the bytes of the socket", () => {
    const budget = new SocketBudget();
    const pages = MAX_ANSWER_BYTES / MAX_UNREAD_BYTES;
    for (let to = 1; to <= pages; to++) {
      expect(budget.paced(MAX_UNREAD_BYTES, NOW, to, "one")).toBe(true);
    }
    expect(budget.answered(1, NOW)).toBe(false);
    expect(budget.paced(1, NOW, 1, "one")).toBe(false);
  });

  test("are bounded per socket, however much is acknowledged", () => {
    const budget = new SocketBudget();
    const pages = MAX_ANSWER_BYTES / MAX_UNREAD_BYTES;
    for (let to = 1; to <= pages; to++) {
      expect(budget.answered(MAX_UNREAD_BYTES, NOW, to)).toBe(true);
      budget.continues(to);
    }
    expect(budget.answered(1, NOW)).toBe(false);
  });
});
