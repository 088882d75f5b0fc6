import fc from "fast-check";
import { expect, test } from "vitest";
import { afterOrder, type BanOrder, type BanState, isStanding } from "../../src/domain/ban.ts";

const order = fc.record<BanOrder>({
  banned: fc.boolean(),
  actorId: fc.constantFrom("ann", "bea"),
  actorRole: fc.constant("admin"),
  reason: fc.option(fc.string()),
  until: fc.option(fc.integer({ min: 0, max: 100 })),
});

test("property: the last order holds, until its time or for good; versions rise", () => {
  fc.assert(
    fc.property(fc.array(order, { minLength: 1, maxLength: 8 }), fc.nat(120), (orders, now) => {
      let state: BanState | undefined;
      for (const [at, one] of orders.entries()) {
        const next = afterOrder(state, one, at);
        expect(next.version).toBeGreaterThan(state?.version ?? 0);
        state = next;
      }
      const last = orders.at(-1);
      if (!last || !state) throw new Error("an order");
      const isOver = last.until !== null && last.until <= now;
      expect(isStanding(state, now)).toBe(last.banned && !isOver);
    }),
  );
});

test("a ban that is lifted says who had ordered it, and why", () => {
  const by = { actorId: "ann", actorRole: "admin", reason: "spam", until: 9 } as const;
  const banned = afterOrder(undefined, { ...by, banned: true }, 1);
  const lifting = { ...by, actorId: "bea", reason: null, until: null, banned: false };
  expect(afterOrder(banned, lifting, 2)).toEqual({
    ...{ bannedBy: "ann", bannedAt: 1, reason: "spam", until: 9, liftedAt: 2, version: 2 },
  });
});
