import { expect, test } from "vitest";
import { TypingThrottle } from "../../src/conversation/outbound/sockets/typing-throttle.ts";
import { TYPING_EVERY_MS } from "../../src/live/version.ts";

const NOW = 1_000_000_000;

type Call = [userId: string, active: boolean, at: number, allowed: boolean];

test.each<[string, Call[]]>([
  [
    "one start per three seconds",
    [
      ["ada", true, 0, true],
      ["ada", true, TYPING_EVERY_MS - 1, false],
      ["ada", true, TYPING_EVERY_MS, true],
      ["ada", true, TYPING_EVERY_MS + 1, false],
    ],
  ],
  [
    "one stop per three seconds, independent of starts",
    [
      ["ada", true, 0, true],
      ["ada", false, 1, true],
      ["ada", false, 2, false],
      ["ada", true, 3, false],
      ["ada", false, TYPING_EVERY_MS + 1, true],
    ],
  ],
  [
    "per person",
    [
      ["ada", true, 0, true],
      ["bob", true, 0, true],
      ["bob", true, 1, false],
    ],
  ],
  [
    "after the clock was set back",
    [
      ["ada", true, 0, true],
      ["ada", true, -1, true],
      ["ada", true, 0, false],
    ],
  ],
])("%s", (_, calls) => {
  const throttle = new TypingThrottle();
  for (const [userId, active, at, allowed] of calls) {
    expect(throttle.allows(userId, active, NOW + at), `${userId} at ${at}`).toBe(allowed);
  }
});

test("more than a thousand people are throttled as well", () => {
  const throttle = new TypingThrottle();
  for (let n = 0; n < 1_500; n++) expect(throttle.allows(`p${n}`, true, NOW + n)).toBe(true);
  for (let n = 0; n < 1_500; n++) expect(throttle.allows(`p${n}`, true, NOW + 1_500)).toBe(false);
});
