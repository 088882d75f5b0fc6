import { expect, test, vi } from "vitest";
import { text, withCommitter } from "./fresh-committer.ts";

/**
 * A group's sends are taken to be new, without a look at their keys; a repeat is found by the index of
 * the keys, and then the group is committed again.
 */

test("a send with a new key reads nothing about it", () =>
  withCommitter((fresh) => {
    fresh.submit("ada", text("one", "k1"));
    fresh.endWindow();
    const queries = vi.spyOn(fresh.storage.sql, "exec");
    fresh.submit("ada", text("two", "k2"));
    fresh.submit("ada", text("three", "k3"));
    fresh.endWindow();
    const reads = queries.mock.calls.filter(([query]) => query.startsWith("SELECT"));
    queries.mockRestore();
    expect(reads).toEqual([]);
    expect(fresh.texts()).toEqual(["one", "two", "three"]);
  }));

test("a repeat within a group of others is answered with its message, and nothing else changes", () =>
  withCommitter((fresh) => {
    fresh.submit("ada", text("one", "k1"));
    fresh.submit("bob", text("two", "k2"));
    fresh.submit("ada", text("one", "k1"));
    fresh.submit("ada", text("other", "k1"));
    fresh.submit("bob", text("three", "k1"));
    fresh.submit("bob", { type: "edit", messageId: fresh.id(2), content: "zwei", maxLength: 100 });
    fresh.endWindow();
    expect(fresh.answered[2]).toMatchObject({
      value: { deduplicated: true, rev: 5, message: { number: 1 } },
    });
    expect(fresh.takeAnswers()).toEqual(["ok", "ok", "ok", "idempotency_conflict", "ok", "ok"]);
    expect(fresh.texts()).toEqual(["one", "zwei", "three"]);
    expect(fresh.transactions).toBe(3);
    expect(fresh.faults).toEqual([]);
    fresh.expectMemoryToBeStored();
  }));

test("a repeat alone is committed twice once, and then keys are looked up for a minute", () =>
  withCommitter((fresh) => {
    const transactions = () => {
      const before = fresh.transactions;
      fresh.submit("ada", text("one", "k1"));
      fresh.endWindow();
      return fresh.transactions - before;
    };
    expect([transactions(), transactions(), transactions()]).toEqual([1, 2, 1]);
    fresh.clock += 59_999;
    expect(transactions()).toBe(1);
    fresh.clock += 1;
    expect([transactions(), transactions()]).toEqual([2, 1]);
    expect(fresh.takeAnswers()).toEqual(Array(6).fill("ok"));
    expect(fresh.texts()).toEqual(["one"]);
  }));

test("a repeat is answered where a new send is refused", () =>
  withCommitter((fresh) => {
    fresh.limits.messagesPerMinute = 1;
    fresh.submit("ada", text("one", "k1"));
    fresh.submit("ada", text("one", "k1"));
    fresh.submit("ada", text("two", "k2"));
    fresh.endWindow();
    expect(fresh.answered[1]).toMatchObject({ value: { deduplicated: true } });
    expect(fresh.takeAnswers()).toEqual(["ok", "ok", "rate_limited"]);
    expect(fresh.transactions).toBe(2);
    fresh.expectMemoryToBeStored();
  }));

test("a send is answered before the window of the next group is opened", () =>
  withCommitter((fresh) => {
    const timers: number[] = [];
    fresh.onCommit = () => timers.push(vi.getTimerCount());
    fresh.submit("ada", text("one"));
    fresh.submit("ada", text("two"));
    fresh.endWindow();
    expect(timers).toEqual([0, 0]);
    expect(vi.getTimerCount()).toBe(1);
  }));

test("the next group is committed although a commit's consumers threw", () =>
  withCommitter((fresh) => {
    fresh.onCommit = () => {
      throw new Error("on purpose");
    };
    expect(() => fresh.submit("ada", text("one"))).toThrow("on purpose");
    fresh.submit("ada", text("two"));
    fresh.onCommit = () => undefined;
    fresh.endWindow();
    expect(fresh.texts()).toEqual(["one", "two"]);
  }));
