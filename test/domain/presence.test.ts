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
  return { subject, connected, set, announced };
}

describe("without a delay", () => {
  test("each change is announced immediately", () => {
    const { subject, set, announced } = presence(0);
    set("ada", true);
    set("ada", false);
    expect(announced).toEqual([
      ["ada", true, 0],
      ["ada", false, 0],
    ]);
    expect([...subject.online]).toEqual([]);
  });

  test("a state that has not changed is not announced", () => {
    const { subject, set, announced } = presence(0, ["ada"]);
    set("ada", true);
    set("bob", false);
    expect(announced).toEqual([]);
    expect([...subject.online]).toEqual(["ada"]);
  });
});

describe("with a delay", () => {
  test("a change is announced after the delay, with its time", () => {
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
    ["connects and disconnects", false],
    ["disconnects and reconnects", true],
  ])("somebody who %s within it is not announced, and no timer is left", (_, before) => {
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

  test("a repeated change does not restart the delay, and is announced once", () => {
    const { subject, set, announced } = presence(DELAY_MS);
    set("ada", true);
    vi.advanceTimersByTime(DELAY_MS - 1);
    subject.changed("ada");
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(DELAY_MS);
    expect(announced).toEqual([["ada", true, 0]]);
  });

  test("a state that no longer holds at the end of the delay is not announced", () => {
    const { connected, set, announced } = presence(DELAY_MS);
    set("ada", true);
    connected.delete("ada");
    vi.advanceTimersByTime(DELAY_MS);
    expect(announced).toEqual([]);
  });

  test("each person has their own delay", () => {
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
