import { describe, expect, test } from "vitest";
import { seeded } from "../directory/naming.ts";
import { type Caller, directPair, person, someone } from "../support.ts";
import { fetchWith, raw, USERS } from "./requests.ts";

interface Found {
  id: string;
  name: string;
}

/** The people of all pages. */
async function allOf(caller: Caller, q: string, limit: number): Promise<Found[]> {
  const found: Found[] = [];
  let cursor = "";
  for (;;) {
    const query = `q=${encodeURIComponent(q)}&limit=${limit}${cursor}`;
    const { status, body } = await caller.get(`${USERS}?${query}`);
    expect(status).toBe(200);
    expect(body.users.length).toBeLessThanOrEqual(limit);
    found.push(...body.users);
    if (body.next === undefined) return found;
    cursor = `&cursor=${body.next}`;
  }
}

async function provision(names: readonly string[]): Promise<void> {
  const host = await person("admin", { role: "admin" });
  const users = names.map((name) => ({ id: someone(), name }));
  expect((await host.put(USERS, { users })).status).toBe(200);
}

const namesOf = (users: readonly Found[]) => users.map(({ name }) => name);

describe("GET /users?q=", () => {
  test.each([
    ["any word of the name", "okafor", true],
    ["beginnings of words, in any order", "oka ad", true],
    ["the name without accents", "bjork", true],
    ["a part of a name with a hyphen", "lund", true],
    ["not the middle of a word", "kafor", false],
    ["not one of two words", "ada nobody", false],
  ])("200 by %s", async (_, q, isFound) => {
    const { mark } = seeded();
    await provision([`Ada Okafor Björk-Lund ${mark}`]);
    const found = await allOf(await person(), `${q} ${mark}`, 20);
    expect(found).toHaveLength(isFound ? 1 : 0);
  });

  test("200 in pages, each person once, in one order whatever the size of pages", async () => {
    const { mark } = seeded();
    const names = Array.from(
      { length: 55 },
      (_, i) => `${mark} ${mark}${String(i).padStart(2, "0")}`,
    );
    await provision(names.toReversed());
    const caller = await person();
    for (const limit of [7, 20, 50]) {
      expect(namesOf(await allOf(caller, mark, limit))).toEqual(names);
    }
    const { body } = await caller.get(`${USERS}?q=${mark}`);
    expect(body.users).toHaveLength(20);
    expect(body.next).toEqual(expect.any(String));
  });

  test("200 in pages while others come, go and change their names", async () => {
    const { mark } = seeded();
    const ids = Array.from({ length: 30 }, () => someone());
    const host = await person("admin", { role: "admin" });
    const name = (id: string, i: number) =>
      host.put(USERS, { users: [{ id, name: `${mark} ${10 + i}` }] });
    for (const [i, id] of ids.entries()) await name(id, i);
    const first = (await host.get(`${USERS}?q=${mark}&limit=10`)).body;
    await name(someone(), -9);
    await name(someone(), 50);
    await host.put(USERS, { users: [{ id: ids[20], name: "Somebody Else" }] });
    const { users } = (await host.get(`${USERS}?q=${mark}&limit=50&cursor=${first.next}`)).body;
    expect(namesOf(first.users)).toEqual(Array.from({ length: 10 }, (_, i) => `${mark} ${10 + i}`));
    const expected = [...Array.from({ length: 20 }, (_, i) => 20 + i).filter((i) => i !== 30), 60];
    expect(namesOf(users)).toEqual(expected.map((i) => `${mark} ${i}`));
  });

  test("200 among contacts, in pages; no page for nobody", async () => {
    const { mark } = seeded();
    await provision(Array.from({ length: 30 }, (_, i) => `${mark} ${i}`));
    const { alice } = await directPair();
    const look = (search: string) =>
      fetchWith({ USER_SEARCH: search }, `${USERS}?q=${mark}&limit=5`, raw(alice, "GET"));
    expect((await look("contacts")).body).toStrictEqual({ users: [] });
    expect((await look("off")).body).toStrictEqual({ users: [] });
    expect((await look("everyone")).body.users).toHaveLength(5);
  });

  test.each([
    ["a limit of 0", "q=a&limit=0"],
    ["a limit of 51", "q=a&limit=51"],
    ["a limit that is no number", "q=a&limit=ten"],
    ["a cursor that is none", "q=a&cursor=abc"],
    ["a cursor that is too long", `q=a&cursor=${"a".repeat(2_001)}`],
    ["a cursor of something else", `q=a&cursor=${btoa('{"word":"a"}')}`],
  ])("400 with %s", async (_, query) => {
    const { status, body } = await (await person()).get(`${USERS}?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "invalid_request", details: expect.any(Array) });
  });
});
