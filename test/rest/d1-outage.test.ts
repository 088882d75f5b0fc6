import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Caller, directPair, fetchJson, person, send } from "../support.ts";
import {
  CONVERSATIONS,
  DIRECT,
  fetchWith,
  MESSAGES,
  page,
  raw,
  stranger,
  USERS,
  UUID,
} from "./requests.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("when D1 is down", () => {
  /** Makes every call of D1 fail. */
  function breakD1(): void {
    vi.spyOn(console, "log").mockReturnValue(undefined);
    const broken = () => {
      throw new Error("D1_ERROR: secret inside");
    };
    for (const name of ["prepare", "batch", "exec", "withSession"] as const) {
      vi.spyOn(env.DB, name).mockImplementation(broken);
    }
  }

  test("503 with Retry-After for requests that need it", async () => {
    const { alice, bob } = await directPair();
    breakD1();
    for (const answer of [
      await alice.get(CONVERSATIONS),
      await alice.get(`${USERS}?q=a`),
      await alice.post(DIRECT, { otherUserId: bob.userId }),
    ]) {
      expect(answer.status).toBe(503);
      expect(answer.body).toEqual({ error: expect.any(String), code: "unavailable" });
      expect(answer.headers.get("Retry-After")).toBe("1");
      expect(answer.headers.get("X-Request-Id")).toMatch(UUID);
    }
  });

  test("201 and 200 for sends and history, with a warning that lists are behind", async () => {
    const { alice, bob, conversationId } = await directPair();
    const well = await send(alice, conversationId, "well");
    expect(well.headers.get("Warning")).toBeNull();
    breakD1();
    const sent = await send(alice, conversationId, "unwell");
    expect(sent.status).toBe(201);
    expect(sent.headers.get("Warning")).toMatch(/^199 /);
    expect((await page(bob, conversationId)).body.totalCount).toBe(2);
  });

  test("201 for the first request of a user", async () => {
    const host = await person("host", { role: "admin" });
    const { userId, token } = await stranger();
    await host.put(USERS, { users: [{ id: userId }] });
    const { body } = await host.post(DIRECT, { otherUserId: userId });
    breakD1();
    expect((await send(new Caller(userId, token), body.conversationId, "x")).status).toBe(201);
    expect((await fetchJson("/healthz")).status).toBe(200);
  });

  test("201 for a new conversation that lists do not show yet", async () => {
    const [alice, bob] = await Promise.all([person(), person()]);
    vi.spyOn(console, "log").mockReturnValue(undefined);
    vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1_ERROR: cannot write"));
    const answer = await alice.post(DIRECT, { otherUserId: bob.userId });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("Warning")).toMatch(/^199 /);
    const { conversationId } = answer.body;
    expect((await send(alice, conversationId, "hello")).status).toBe(201);
    expect((await page(bob, conversationId)).body.totalCount).toBe(1);
  });

  test("201 without waiting for a slow D1", async () => {
    const { alice, bob, conversationId } = await directPair();
    vi.spyOn(console, "log").mockReturnValue(undefined);
    const stuck = Promise.withResolvers<never>();
    vi.spyOn(env.DB, "batch").mockReturnValue(stuck.promise);
    const answer = await send(alice, conversationId, "hello");
    stuck.reject(new Error("D1_ERROR: at last"));
    expect(answer.status).toBe(201);
    expect(answer.headers.get("Warning")).toMatch(/^199 /);
    expect((await page(bob, conversationId)).body.totalCount).toBe(1);
  });

  test("201 without a warning for sends that do not wait for lists: SENDS_WAIT_FOR_LISTS=off", async () => {
    const { alice, conversationId } = await directPair();
    breakD1();
    const body = JSON.stringify({ conversationId, content: "hello" });
    const off = { SENDS_WAIT_FOR_LISTS: "off" };
    const answer = await fetchWith(off, MESSAGES, raw(alice, "POST", body));
    expect(answer.status).toBe(201);
    expect(answer.headers.get("Warning")).toBeNull();
  });
});
