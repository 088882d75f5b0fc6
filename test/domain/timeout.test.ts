import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CALL_TIMEOUT_MS, CallTimeouts } from "../../src/conversation/timeout.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = () => new Promise<never>(() => undefined);

test("a call that is answered in time settles as it does, and leaves no timer", async () => {
  const timeouts = new CallTimeouts();
  await expect(timeouts.limit(Promise.resolve(1))).resolves.toBe(1);
  await expect(timeouts.limit(Promise.reject(new Error("refused")))).rejects.toThrow("refused");
  expect(vi.getTimerCount()).toBe(0);
});

test("a call without an answer is rejected as overloaded, and leaves no timer", async () => {
  const lost = new CallTimeouts(100).limit(never());
  const rejected = expect(lost).rejects.toMatchObject({
    ...{ message: "no answer within 100 ms", overloaded: true },
  });
  await vi.advanceTimersByTimeAsync(100);
  await rejected;
  expect(vi.getTimerCount()).toBe(0);
});

test("calls share a timer, and a later one gets its whole time", async () => {
  const timeouts = new CallTimeouts();
  const ends: [name: string, at: number][] = [];
  const began = Date.now();
  const call = (name: string) =>
    timeouts.limit(never()).catch(() => void ends.push([name, Date.now() - began]));
  call("first");
  await vi.advanceTimersByTimeAsync(1_000);
  call("second");
  call("third");
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(2 * CALL_TIMEOUT_MS);
  expect(ends).toEqual([
    ["first", CALL_TIMEOUT_MS],
    ["second", 2 * CALL_TIMEOUT_MS],
    ["third", 2 * CALL_TIMEOUT_MS],
  ]);
  expect(vi.getTimerCount()).toBe(0);
});

test("an answer after the timeout changes nothing, also for calls that follow", async () => {
  const timeouts = new CallTimeouts();
  const { promise, resolve } = Promise.withResolvers<number>();
  const late = expect(timeouts.limit(promise)).rejects.toThrow("no answer");
  await vi.advanceTimersByTimeAsync(CALL_TIMEOUT_MS);
  await late;
  const next = expect(timeouts.limit(never())).rejects.toThrow("no answer");
  resolve(1);
  await vi.advanceTimersByTimeAsync(CALL_TIMEOUT_MS);
  await next;
});
