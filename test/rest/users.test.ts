import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { directoryOf } from "../../src/directory/directory.ts";
import { usersByRole } from "../../src/directory/users.ts";
import type { PlatformRole } from "../../src/domain/policy.ts";
import { Caller, person, someone, tokenFor } from "../support.ts";
import { DIRECT, pathsOf, USERS } from "./requests.ts";

const admin = () => person("admin", { role: "admin" });

function found(caller: Caller, query: string) {
  return caller.get(`${USERS}?${query}`);
}

async function idsWithRole(role: PlatformRole): Promise<string[]> {
  const found = await usersByRole(directoryOf(env.DB), role, 1_000, Date.now());
  return found.map(({ userId }) => userId);
}

describe("PUT /users", () => {
  test("200 with the number of users, who can then be found and written to", async () => {
    const host = await admin();
    const [one, other] = [someone("one"), someone("other")];
    const avatarUrl = "https://img.test/one.png";
    const users = [{ id: one, name: "One", avatarUrl, role: "support" }, { id: other }];
    const answer = await host.put(USERS, { users });
    expect(answer.status).toBe(200);
    expect(answer.body).toStrictEqual({ upserted: 2 });
    const { body } = await found(host, `ids=${one},${other}`);
    expect(body).toStrictEqual({
      users: expect.toSatisfy((list: { id: string }[]) => list.length === 2),
    });
    expect(body.users).toContainEqual({ id: one, name: "One", avatarUrl });
    expect(body.users).toContainEqual({ id: other, name: null, avatarUrl: null });
    expect((await host.post(DIRECT, { otherUserId: other })).status).toBe(201);
  });

  test("200, and a repeated user counts once, with the last entry", async () => {
    const [host, id] = [await admin(), someone()];
    const users = [
      { id, name: "First" },
      { id, name: "Last" },
    ];
    expect((await host.put(USERS, { users })).body).toStrictEqual({ upserted: 1 });
    expect((await found(host, `ids=${id}`)).body.users).toMatchObject([{ name: "Last" }]);
  });

  test("200, and fields that are missing stay unchanged", async () => {
    const [host, id] = [await admin(), someone()];
    const avatarUrl = "https://img.test/a.png";
    await host.put(USERS, { users: [{ id, name: "Ann", avatarUrl, role: "support" }] });
    await host.put(USERS, { users: [{ id }] });
    expect((await found(host, `ids=${id}`)).body.users).toEqual([{ id, name: "Ann", avatarUrl }]);
    await host.put(USERS, { users: [{ id, name: "Anna" }] });
    expect((await found(host, `ids=${id}`)).body.users).toEqual([{ id, name: "Anna", avatarUrl }]);
  });

  test("200, and a missing role stays unchanged", async () => {
    const [host, id] = [await admin(), someone()];
    await host.put(USERS, { users: [{ id, role: "support" }] });
    expect(await idsWithRole("support")).toContain(id);
    await host.put(USERS, { users: [{ id, name: "Ann" }] });
    expect(await idsWithRole("support")).toContain(id);
    await host.put(USERS, { users: [{ id, role: "user" }] });
    expect(await idsWithRole("support")).not.toContain(id);
  });

  test("200, and a provisioned role is not changed by a token", async () => {
    const [host, id] = [await admin(), someone()];
    await host.put(USERS, { users: [{ id, role: "support" }] });
    for (const role of [undefined, "user", "resolver"]) {
      const token = await tokenFor(id, role ? { role } : {});
      expect((await new Caller(id, token).get(`${USERS}?q=x`)).status).toBe(200);
      expect(await idsWithRole("support"), role).toContain(id);
    }
    expect(await idsWithRole("resolver")).toContain(id);
    await host.put(USERS, { users: [{ id, role: "user" }] });
    expect(await idsWithRole("support")).not.toContain(id);
  });

  test("200, and a provisioned role gives a request no rights", async () => {
    const [host, id] = [await admin(), someone()];
    await host.put(USERS, { users: [{ id, role: "admin" }] });
    const caller = new Caller(id, await tokenFor(id));
    expect((await caller.put(USERS, { users: [{ id, role: "admin" }] })).status).toBe(403);
  });

  test("200, and provisioning does not change the role from a user's token", async () => {
    const [host, agent] = [await admin(), await person("agent", { role: "support" })];
    for (const more of [{ name: "Ann" }, { role: "user" }, { role: "admin" }]) {
      await host.put(USERS, { users: [{ id: agent.userId, ...more }] });
      expect(await idsWithRole("support")).toContain(agent.userId);
    }
    expect(await idsWithRole("admin")).toContain(agent.userId);
  });

  test("200, and provisioning does not count as being seen", async () => {
    const [host, agent] = [await admin(), await person("agent", { role: "support" })];
    const provisioned = { id: someone("provisioned"), role: "support" };
    await host.put(USERS, { users: [provisioned] });
    const ids = await idsWithRole("support");
    expect(ids.indexOf(agent.userId)).toBeLessThan(ids.indexOf(provisioned.id));
  });

  test("200 with 500 users, 400 with 501", async () => {
    const host = await admin();
    const users = Array.from({ length: 501 }, (_, i) => ({ id: someone(`u${i}`), name: `${i}` }));
    const most = await host.put(USERS, { users: users.slice(0, 500) });
    expect(most.body).toStrictEqual({ upserted: 500 });
    const answer = await host.put(USERS, { users });
    expect(answer.status).toBe(400);
    expect(pathsOf(answer)).toEqual(["users"]);
  });

  test.each([
    ["no id", { id: undefined }, "id"],
    ["an empty id", { id: "" }, "id"],
    ["an id that is not printable", { id: "a\u0000" }, "id"],
    ["an id of 129 characters", { id: "a".repeat(129) }, "id"],
    ["a name that is not a string", { name: 7 }, "name"],
    ["a name of white space", { name: "  " }, "name"],
    ["a name with control characters", { name: "A\u0007nn" }, "name"],
    ["a name of 201 characters", { name: "x".repeat(201) }, "name"],
    ["a name with a right-to-left override", { name: "\u202enimdA" }, "name"],
    ["a name with isolate characters", { name: "\u2066Ann\u2069" }, "name"],
    ["a name with a line separator", { name: "Ann\u2028Admin" }, "name"],
    ["an avatar that is not a URL", { avatarUrl: "ann.png" }, "avatarUrl"],
    ["an avatar with a script URL", { avatarUrl: "javascript:alert(1)" }, "avatarUrl"],
    ["an unknown role", { role: "root" }, "role"],
  ])("400 with %s, naming the field; no user is provisioned", async (_, wrong, field) => {
    const [host, fine] = [await admin(), someone("fine")];
    const answer = await host.put(USERS, {
      users: [{ id: fine }, { id: someone("wrong"), ...wrong }],
    });
    expect(answer.status).toBe(400);
    expect(new Set(pathsOf(answer))).toEqual(new Set([`users.1.${field}`]));
    expect((await found(host, `ids=${fine}`)).body.users).toEqual([]);
  });

  test.each(["user", "support", "resolver", "Admin"])("403 for the role %s", async (role) => {
    const [caller, id] = [await person("caller", { role }), someone()];
    const answer = await caller.put(USERS, { users: [{ id, role: "admin" }] });
    expect(answer.status).toBe(403);
    expect(answer.body).toEqual({ error: expect.any(String), code: "forbidden" });
    expect((await found(caller, `ids=${id}`)).body.users).toEqual([]);
  });
});

describe("GET /users", () => {
  test.each<[query: (ids: readonly string[]) => string, finds: number[]]>([
    [([a, b]) => `ids=${a},${b}`, [0, 1]],
    [([a, b]) => `ids=${a}&ids=${b}`, [0, 1]],
    [([a, b, comma]) => `ids=${a}&ids=${b},${comma?.replace(",", "%2C")}`, [0, 1, 2]],
    [([, , comma]) => `ids=${comma?.replace(",", "%2c")}`, [2]],
    [([, , comma]) => `ids=${comma}`, []],
    [([a, b]) => `ids=${a}%2C${b}`, []],
    [([, , , space]) => `ids=${space?.replace(" ", "+")}`, [3]],
    [([, , , space]) => `ids=${space?.replace(" ", "%20")}`, [3]],
    [([, , , , percent]) => `ids=${percent}`, [4]],
    [([, , , , percent]) => `ids=${percent?.replace("%", "%25")}`, [4]],
    [([a]) => `%69ds=,${a},`, [0]],
    [([a]) => `ids=${a}&id=x&ids`, [0]],
    [([, , , , , equals]) => `ids=${equals}`, [5]],
  ])("200 by ids, in every list form: %s", async (query, finds) => {
    const host = await admin();
    const ids = ["a", "b", "x,y", "x y", "x%zz", "x=y"].map(
      // What an id falls into where it is split is nobody's either.
      (id) => someone() + id + someone("-"),
    );
    await host.put(USERS, { users: ids.map((id) => ({ id })) });
    const { status, body } = await found(host, query(ids));
    expect(status).toBe(200);
    expect(new Set(body.users.map((user: { id: string }) => user.id))).toEqual(
      new Set(finds.map((i) => ids[i])),
    );
  });

  test("200 by ids: the known ones", async () => {
    const [alice, bob] = [await person("alice"), await person("bob", { name: "Bob" })];
    const unseen = someone();
    const { status, body } = await found(alice, `ids=${bob.userId},${unseen},${bob.userId}`);
    expect(status).toBe(200);
    expect(body).toStrictEqual({ users: [{ id: bob.userId, name: "Bob", avatarUrl: null }] });
    expect((await found(alice, `ids=${unseen}`)).body).toStrictEqual({ users: [] });
  });

  test("200 with 100 ids, 400 with 101", async () => {
    const alice = await person();
    const ids = Array.from({ length: 101 }, (_, i) => `id-${i}`);
    expect((await found(alice, `ids=${ids.slice(0, 100).join()}`)).status).toBe(200);
    expect((await found(alice, `ids=${ids.join()}`)).status).toBe(400);
  });

  test("200 by the beginning of a name, case-insensitive, in every script", async () => {
    const host = await admin();
    const ids = ["Quirin", "quitta", "Aquila", "Ärger", "ärmel", "%q", "Q_", "王芳"].map(
      (name) => ({
        id: someone(),
        name,
      }),
    );
    await host.put(USERS, { users: ids });
    const names = async (q: string) =>
      (await found(host, `q=${encodeURIComponent(q)}`)).body.users.map(
        (user: { name: string }) => user.name,
      );
    expect(await names("QUI")).toEqual(["Quirin", "quitta"]);
    expect(await names(" quir ")).toEqual(["Quirin"]);
    expect(await names("ÄR")).toEqual(["Ärger", "ärmel"]);
    expect(await names("%")).toEqual(["%q"]);
    expect(await names("q_")).toEqual(["Q_"]);
    expect(await names("王")).toEqual(["王芳"]);
    expect(await names("'; DROP TABLE users; --")).toEqual([]);
  });

  test("200 with at most twenty by name", async () => {
    const host = await admin();
    const users = Array.from({ length: 25 }, (_, i) => ({ id: someone(), name: `Zoltan ${i}` }));
    await host.put(USERS, { users });
    expect((await found(host, "q=zoltan")).body.users).toHaveLength(20);
  });

  test.each([
    ["neither ids nor q", ""],
    ["both", "ids=a&q=a"],
    ["empty ids", "ids="],
    ["only commas", "ids=,,"],
    ["an invalid id", "ids=a,%00"],
    ["an invalid id in a second list", "ids=a&ids=b,%00"],
    ["101 ids in two lists", `ids=${"a,".repeat(100)}&ids=b`],
    ["a q with a right-to-left override", "q=%E2%80%AEnimdA"],
    ["an empty q", "q="],
    ["a q of white space", "q=%20"],
    ["a q of 201 characters", `q=${"x".repeat(201)}`],
    ["a q with control characters", "q=a%07"],
  ])("400 with %s", async (_, query) => {
    const answer = await found(await person(), query);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: "invalid_request", details: expect.any(Array) });
  });
});
