import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Caller, directPair, fetchJson, openLive, person, someone, tokenFor } from "../support.ts";
import {
  CONVERSATIONS,
  carryOut,
  DIRECT,
  entryOf,
  fetchWith,
  MESSAGES,
  page,
  raw,
  stranger,
  USERS,
} from "./requests.ts";

const admin = () => person("admin", { role: "admin" });

function found(caller: Caller, query: string) {
  return caller.get(`${USERS}?${query}`);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("users are created from their tokens", () => {
  test("with name and picture, and updated when these change", async () => {
    const userId = someone();
    const alice = await person();
    const seen = async (name: string, picture: string) => {
      const caller = new Caller(userId, await tokenFor(userId, { name, claims: { picture } }));
      await caller.get(`${USERS}?q=x`);
      return (await found(alice, `ids=${userId}`)).body.users;
    };
    const [first, second] = ["https://img.test/1.png", "https://img.test/2.png"];
    expect(await seen("Ann", first)).toEqual([{ id: userId, name: "Ann", avatarUrl: first }]);
    expect(await seen("Anna", second)).toEqual([{ id: userId, name: "Anna", avatarUrl: second }]);
    expect(await seen("Anna", first)).toEqual([{ id: userId, name: "Anna", avatarUrl: first }]);
  });

  test("a token without a name keeps the stored name", async () => {
    const [host, unnamed] = [await admin(), await stranger()];
    const users = [{ id: unnamed.userId, name: "Ann" }];
    await host.put(USERS, { users });
    await new Caller(unnamed.userId, unnamed.token).get(`${USERS}?q=x`);
    const { body } = await found(host, `ids=${unnamed.userId}`);
    expect(body.users).toMatchObject([{ name: "Ann" }]);
  });

  test("also when the request is refused", async () => {
    const [alice, unseen] = [await person(), await stranger()];
    const answer = await new Caller(unseen.userId, unseen.token).post(DIRECT, {});
    expect(answer.status).toBe(400);
    expect((await alice.post(DIRECT, { otherUserId: unseen.userId })).status).toBe(201);
  });

  test("also from the token that opens a socket", async () => {
    const { alice, bob, conversationId } = await directPair();
    const token = await tokenFor(bob.userId, { name: "Robert" });
    const socket = await openLive(new Caller(bob.userId, token), conversationId);
    await carryOut(socket, { op: "send", content: "hello" });
    expect(await entryOf(alice, conversationId)).toBeDefined();
    await expect
      .poll(async () => (await found(alice, `ids=${bob.userId}`)).body.users)
      .toMatchObject([{ name: "Robert" }]);
  });

  test("before the database is read for the request", async () => {
    const unseen = await stranger();
    const learning = slowUserWrites();
    const sessions = vi.spyOn(env.DB, "withSession");
    const answer = fetchWith({}, CONVERSATIONS, raw(unseen, "GET"));
    await learning.begun;
    await fetchJson("/healthz");
    expect(sessions).not.toHaveBeenCalled();
    learning.end();
    expect((await answer).status).toBe(200);
  });

  test("sending a message does not wait for it", async () => {
    const [host, unseen] = [await admin(), await stranger()];
    await host.put(USERS, { users: [{ id: unseen.userId }] });
    const { body } = await host.post(DIRECT, { otherUserId: unseen.userId });
    const learning = slowUserWrites();
    const sent = fetchWith(
      { SENDS_WAIT_FOR_LISTS: "off" },
      MESSAGES,
      raw(unseen, "POST", JSON.stringify({ conversationId: body.conversationId, content: "x" })),
    );
    await learning.begun;
    await expect
      .poll(() => page(host, body.conversationId))
      .toMatchObject({ body: { totalCount: 1 } });
    learning.end();
    expect((await sent).status).toBe(201);
  });

  test("reads are answered even when D1 cannot store the user", async () => {
    const unseen = await stranger();
    vi.spyOn(console, "log").mockReturnValue(undefined);
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1_ERROR: cannot write");
    });
    const answer = await new Caller(unseen.userId, unseen.token).get(CONVERSATIONS);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual([]);
  });
});

/**
 * D1 completes writes outside a session only after `end` is called; `begun` resolves at the first
 * one. Only for apps that run in the test's own context: workerd ties promises to the request that
 * created them.
 */
function slowUserWrites() {
  vi.spyOn(console, "log").mockReturnValue(undefined);
  const [begun, written] = [Promise.withResolvers<void>(), Promise.withResolvers<object>()];
  const statement = {
    bind: () => statement,
    run: () => {
      begun.resolve();
      return written.promise;
    },
  };
  vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1_ERROR: not now"));
  vi.spyOn(env.DB, "prepare").mockReturnValue(statement as unknown as D1PreparedStatement);
  return { begun: begun.promise, end: () => written.resolve({}) };
}
