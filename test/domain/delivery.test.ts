import fc from "fast-check";
import { expect, test } from "vitest";
import {
  afterFailure,
  HEALTHY,
  type PendingDelivery,
  type ReceiverState,
  replaced,
  retryDelayMs,
} from "../../src/domain/delivery.ts";
import { NOTIFICATION_TTL_MS } from "../../src/domain/notification.ts";

const NOW = Date.UTC(2026, 10, 28, 12);
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function failed(state: ReceiverState, more: Partial<Parameters<typeof afterFailure>[1]> = {}) {
  const failure = { now: NOW, retryAfterMs: undefined, isRejected: false, random: 0, ...more };
  return afterFailure(state, failure);
}

test.each([
  [1, 5_000],
  [2, 10_000],
  [3, 20_000],
  [4, 40_000],
  [5, 80_000],
  [6, 160_000],
  [7, 320_000],
  [8, 640_000],
  [9, 900_000],
  [10, 900_000],
  [2_000, 900_000],
])("the pause after failure %i is %i ms, and at most a fifth more", (failures, pause) => {
  expect(retryDelayMs(failures, 0)).toBe(pause);
  expect(retryDelayMs(failures, 0.5)).toBe(Math.round(pause * 1.1));
  expect(retryDelayMs(failures, 1 - 1e-9)).toBe(Math.round(pause * 1.2));
});

test("in 24 hours a receiver that always fails gets a bounded number of requests", () => {
  fc.assert(
    fc.property(fc.array(random, { minLength: 200, maxLength: 200 }), (randoms) => {
      let state = HEALTHY;
      let now = 0;
      let requests = 0;
      for (; now < NOTIFICATION_TTL_MS; now = state.retryAt) {
        state = failed(state, { now, random: randoms[requests++] ?? 0 });
      }
      expect(requests).toBeLessThanOrEqual(103);
      expect(requests).toBeGreaterThan(80);
    }),
  );
});

test("a receiver is left alone for as long as it asks for, at most for the life of a notification", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 20 }),
      fc.option(fc.integer({ min: 0, max: 10 * NOTIFICATION_TTL_MS }), { nil: undefined }),
      random,
      (failures, asked, value) => {
        const before = { ...HEALTHY, failures, retryAt: NOW };
        const { retryAt } = failed(before, { retryAfterMs: asked, random: value });
        const pause = retryAt - NOW;
        expect(pause).toBeGreaterThanOrEqual(Math.min(asked ?? 0, NOTIFICATION_TTL_MS));
        expect(pause).toBeGreaterThanOrEqual(retryDelayMs(failures + 1, value));
        expect(pause).toBeLessThanOrEqual(NOTIFICATION_TTL_MS);
      },
    ),
  );
});

test("failures at the same time are one, with the longest pause that was asked for", () => {
  const once = failed(HEALTHY);
  expect(once).toMatchObject({ failures: 1, retryAt: NOW + 5_000 });
  const twice = failed(once, { now: NOW + 4_999, retryAfterMs: 60_000 });
  expect(twice).toMatchObject({ failures: 1, retryAt: NOW + 64_999 });
  expect(failed(twice, { now: NOW + 10_000 })).toEqual(twice);
  expect(failed(twice, { now: NOW + 64_999 }).failures).toBe(2);
});

test("a receiver rejects as long as nothing else failed", () => {
  const rejecting = failed(HEALTHY, { isRejected: true });
  expect(rejecting.isRejecting).toBe(true);
  expect(failed(rejecting, { isRejected: true }).isRejecting).toBe(true);
  expect(failed(rejecting).isRejecting).toBe(false);
  expect(failed(failed(HEALTHY), { isRejected: true }).isRejecting).toBe(false);
  const later = { now: rejecting.retryAt };
  expect(failed(rejecting, later).isRejecting).toBe(false);
  expect(failed(failed(rejecting, later), { now: NOW + 60_000, isRejected: true })).toMatchObject({
    ...{ failures: 3, isRejecting: true },
  });
});

test("what replaces what", () => {
  const notification = (id: string, rev: number): PendingDelivery => ({
    ...{ receiver: "webhook", conversationId: "c", id, after: { epoch: "e", rev } },
    ...{ expiresAt: NOW + rev, attempts: 3 },
  });
  const read: PendingDelivery = { ...notification("read", 9), after: undefined };
  const [older, newer] = [notification("older", 3), { ...notification("newer", 5), attempts: 0 }];
  expect(replaced(undefined, newer)).toEqual(newer);
  expect(replaced(older, newer)).toEqual({ ...newer, after: older.after });
  expect(replaced(read, newer)).toEqual(newer);
  expect(replaced(older, read)).toEqual(read);
});
