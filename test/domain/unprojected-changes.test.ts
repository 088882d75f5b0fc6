import { expect, test } from "vitest";
import type { Changed } from "../../src/conversation/outbound/projection/changed.ts";
import { UnprojectedChanges } from "../../src/conversation/outbound/projection/unprojected-changes.ts";

/** Changes that are kept in memory for D1: all of them, or none. */

const read = (userId: string): Changed => ({ type: "read", read: { userId, from: 1, to: 1 } });
const [a, b] = [read("a"), read("b")];

test("after a wake nothing is known, until D1 was given what the tables say", () => {
  const changes = new UnprojectedChanges();
  changes.expect(3);
  changes.add([a], 4);
  expect(changes.take(4)).toBeUndefined();
  changes.startAt(4);
  changes.expect(4);
  changes.add([b], 5);
  expect(changes.take(5)).toEqual([b]);
  expect(changes.take(5)).toEqual([]);
});

test("commits that follow each other are taken together", () => {
  const changes = new UnprojectedChanges();
  changes.startAt(1);
  for (const [change, from] of [[a, 1] as const, [b, 2] as const]) {
    changes.expect(from);
    changes.add([change], from + 1);
  }
  expect(changes.take(3)).toEqual([a, b]);
});

test("a commit that was not added leaves the rest to the tables", () => {
  const changes = new UnprojectedChanges();
  changes.startAt(1);
  expect(changes.take(2)).toBeUndefined();
  changes.startAt(1);
  changes.expect(2);
  changes.add([b], 3);
  expect(changes.take(3)).toBeUndefined();
});

const message = { number: 1, senderId: "a", createdAt: 0, editedAt: null, deletedAt: null };

test.each([
  ["changes", [a], 5_000],
  [
    "files",
    [{ type: "message", message: { ...message, attachments: Array(9) } } satisfies Changed],
    500,
  ],
  [
    "mentions",
    [
      {
        type: "message",
        message: { ...message, attachments: [], mentions: Array(49) },
      } satisfies Changed,
    ],
    100,
  ],
])("at most 5,000 %s are kept", (_, commit, count) => {
  const changes = new UnprojectedChanges();
  changes.startAt(0);
  for (let rev = 1; rev <= count; rev++) changes.add(commit, rev);
  expect(changes.take(count)).toHaveLength(count);
  for (let rev = 1; rev <= count + 1; rev++) changes.add(commit, count + rev);
  expect(changes.take(2 * count + 1)).toBeUndefined();
});
