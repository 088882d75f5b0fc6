import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Presence } from "../../src/conversation/outbound/sockets/presence.ts";

const DELAY_MS = 2_000;

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

/** Presence with people who can be set online and offline, and what it announced. */
function presence(delayMs: number, online: string[] = []) {
  const connected = new Set(online);
  const announced: [userId: string, online: boolean, at: number][] = [];
  const start = Date.now();
  const subject = new Presence({
    ...{ delayMs, online },
    clock: () => Date.now() - start,
    isOnline: (userId) => connected.has(userId),
    announce: (...announcement) => void announced.push(announcement),
  });
  const set = (userId: string, isOnline: boolean) => {
    if (isOnline) connected.add(userId);
    else connected.delete(userId);
    subject.changed(userId);
  };
  return { subject, set, announced };
}

describe("without a delay", () => {
  test("each change is announced at once", () => {
    const { subject, set, announced } = presence(0);
    set("ada", true);
    set("ada", false);
    expect(announced).toEqual([
      ["ada", true, 0],
      ["ada", false, 0],
    ]);
    expect([...subject.online]).toEqual([]);
  });

  test("what has not changed is not announced", () => {
    const { subject, set, announced } = presence(0, ["ada"]);
    set("ada", true);
    set("bob", false);
    expect(announced).toEqual([]);
    expect([...subject.online]).toEqual(["ada"]);
  });
});

describe("with a delay", () => {
  test("a change is announced once it has held, with the time at which it happened", () => {
    const { subject, set, announced } = presence(DELAY_MS);
    vi.advanceTimersByTime(500);
    set("ada", true);
    vi.advanceTimersByTime(DELAY_MS - 1);
    expect(announced).toEqual([]);
    expect([...subject.online]).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(announced).toEqual([["ada", true, 500]]);
    expect([...subject.online]).toEqual(["ada"]);
  });

  test.each([
    ["comes and goes", false],
    ["goes and comes back", true],
  ])("somebody who %s within it is not announced, and leaves no timer", (_, before) => {
    const { set, announced } = presence(DELAY_MS, before ? ["ada"] : []);
    for (let round = 0; round < 3; round++) {
      set("ada", !before);
      vi.advanceTimersByTime(DELAY_MS - 1);
      set("ada", before);
    }
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(DELAY_MS);
    expect(announced).toEqual([]);
  });

  test("a change that is renewed holds from the first one on, and is announced once", () => {
    const { subject, set, announced } = presence(DELAY_MS);
    set("ada", true);
    vi.advanceTimersByTime(DELAY_MS - 1);
    subject.changed("ada");
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(DELAY_MS);
    expect(announced).toEqual([["ada", true, 0]]);
  });

  test("each person has a delay of their own", () => {
    const { set, announced } = presence(DELAY_MS, ["bob"]);
    set("ada", true);
    vi.advanceTimersByTime(1_000);
    set("bob", false);
    vi.advanceTimersByTime(1_000);
    expect(announced).toEqual([["ada", true, 0]]);
    vi.advanceTimersByTime(1_000);
    expect(announced.at(-1)).toEqual(["bob", false, 1_000]);
  });
});
