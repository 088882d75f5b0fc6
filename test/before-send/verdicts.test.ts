import { expect, test } from "vitest";
import type { Reply } from "../../src/conversation/before-send/verdict.ts";
import { Verdicts } from "../../src/conversation/before-send/verdicts.ts";

/** Which questions are asked again. */

test("a question under way is asked once, however many others are answered meanwhile", async () => {
  const verdicts = new Verdicts();
  const { promise, resolve } = Promise.withResolvers<Reply>();
  let asked = 0;
  const ask = () => {
    asked++;
    return promise;
  };
  const first = verdicts.of("slow", ask);
  for (let i = 0; i < 1_200; i++) {
    await verdicts.of(`quick ${i}`, () => Promise.resolve({ action: "allow" }));
  }
  expect(verdicts.has("slow")).toBe(true);
  const again = verdicts.of("slow", ask);
  resolve({ action: "allow" });
  expect([await first, await again]).toEqual([{ action: "allow" }, { action: "allow" }]);
  expect(asked).toBe(1);
  // Of those that were answered, the newest are kept.
  expect([verdicts.has("quick 0"), verdicts.has("quick 1199")]).toEqual([false, true]);
});
