import { expect, test } from "vitest";
import { RecentRows } from "../../src/inbox/recent-rows.ts";

const row = (conversationId: string, rev: number) => ({
  ...{ conversationId, epoch: "e", rev, removed: true as const },
});

test("the newest version of each row, for thirty seconds", () => {
  let now = 0;
  const recent = new RecentRows(() => now);
  recent.add(row("a", 2));
  recent.add(row("a", 1));
  now = 20_000;
  recent.add(row("b", 1));
  expect(recent.all()).toEqual([row("a", 2), row("b", 1)]);
  now = 30_001;
  expect(recent.all()).toEqual([row("b", 1)]);
});

test("five hundred rows: the oldest are left out", () => {
  const recent = new RecentRows(() => 0);
  for (let i = 0; i < 501; i++) recent.add(row(`${i}`, 1));
  expect(recent.all()).toHaveLength(500);
  expect(recent.all()[0]).toEqual(row("1", 1));
});
