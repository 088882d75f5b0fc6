import { afterEach, describe, expect, test, vi } from "vitest";
import { fetchJson, someone, tokenFor } from "../support.ts";
import {
  CONVERSATIONS,
  DIRECT,
  FOREIGN,
  GROUP,
  MESSAGES,
  OLDER_SECRET,
  SECRET,
  segment,
  signed,
  USERS,
} from "./requests.ts";

const ROUTES: readonly [method: string, path: string][] = [
  ["GET", CONVERSATIONS],
  ["POST", DIRECT],
  ["POST", GROUP],
  ["GET", `${MESSAGES}?conversationId=${FOREIGN}`],
  ["POST", MESSAGES],
  ["GET", `${USERS}?q=a`],
  ["PUT", USERS],
];

function asBearer(token: string) {
  return fetchJson(CONVERSATIONS, { headers: { Authorization: `Bearer ${token}` } });
}

afterEach(() => {
  vi.useRealTimers();
});

describe("401", () => {
  test.each(ROUTES)("%s %s without a token", async (method, path) => {
    const answer = await fetchJson(path, { method });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toBe("Bearer");
    expect(answer.body).toEqual({ error: expect.any(String), code: "unauthenticated" });
  });

  test.each(ROUTES)("%s %s is checked before the body is read", async (method, path) => {
    if (method === "GET") return;
    for (const body of ["{", "x".repeat(300_000)]) {
      expect((await fetchJson(path, { method, body })).status).toBe(401);
    }
  });

  test.each([
    ["another scheme", "Basic YWxpY2U6c2VjcmV0"],
    ["no token after the scheme", "Bearer"],
    ["spaces after the scheme", "Bearer   "],
    ["no scheme", "abc"],
    ["an invalid token", "Bearer abc"],
    ["three dots", "Bearer ..."],
    ["three empty objects", "Bearer e30.e30.e30"],
  ])("%s", async (_, header) => {
    const answer = await fetchJson(CONVERSATIONS, { headers: { Authorization: header } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toBe("Bearer");
  });

  test("a valid token with another scheme", async () => {
    expect((await asBearer(`${await tokenFor(someone())} x`)).status).toBe(401);
    expect((await asBearer(`x ${await tokenFor(someone())}`)).status).toBe(401);
  });

  test("an expired token", async () => {
    for (const expiresIn of [-3_600, -1, 0]) {
      expect((await asBearer(await tokenFor(someone(), { expiresIn }))).status).toBe(401);
    }
  });

  test("a token that expires after it was accepted", async () => {
    const token = await tokenFor(someone(), { expiresIn: 60 });
    expect((await asBearer(token)).status).toBe(200);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
    expect((await asBearer(token)).status).toBe(401);
  });

  test("a token without an expiry, or with one that is not in seconds", async () => {
    const sub = someone();
    for (const exp of [undefined, null, "2999-01-01", "99999999999"]) {
      expect((await asBearer(await signed({ sub, exp }))).status).toBe(401);
    }
  });

  test("a token that is not valid yet", async () => {
    const nbf = Math.floor(Date.now() / 1_000) + 600;
    expect((await asBearer(await signed({ sub: someone(), nbf }))).status).toBe(401);
  });

  test.each(["none", "None", "NONE", ""])("an unsigned token, alg %j", async (alg) => {
    const payload = { sub: someone(), exp: Math.floor(Date.now() / 1_000) + 3_600 };
    const [header, claims] = [segment({ alg, typ: "JWT" }), segment(payload)];
    expect((await asBearer(`${header}.${claims}.`)).status).toBe(401);
    const [, , signature] = (await signed(payload)).split(".");
    expect((await asBearer(`${header}.${claims}.${signature}`)).status).toBe(401);
  });

  test("a token signed with another key", async () => {
    const secret = "another-secret-0123456789abcdefghijkl";
    expect((await asBearer(await tokenFor(someone(), { secret }))).status).toBe(401);
    expect(
      (await asBearer(await tokenFor(someone(), { secret: SECRET.slice(0, -1) }))).status,
    ).toBe(401);
  });

  test.each(["HS384", "HS512"])("a token signed with %s, although with our key", async (alg) => {
    expect((await asBearer(await signed({ sub: someone() }, { alg }))).status).toBe(401);
  });

  test("a token whose claims were changed after signing", async () => {
    const [header, , signature] = (await tokenFor(someone())).split(".");
    const claims = segment({ sub: someone(), exp: Math.floor(Date.now() / 1_000) + 3_600 });
    expect((await asBearer(`${header}.${claims}.${signature}`)).status).toBe(401);
  });

  test.each([
    ["no user id", {}],
    ["a number as user id", { sub: 42 }],
    ["null", { sub: null }],
    ["an object", { nameid: { id: "alice" } }],
    ["an empty user id", { sub: "" }],
    ["white space", { sub: "   " }],
    ["white space around it", { sub: " alice" }],
    ["a newline in it", { sub: "ali\nce" }],
    ["a NUL in it", { sub: "ali\u0000ce" }],
    ["an invisible character in it", { sub: "ali\u200bce" }],
    ["a direction mark in it", { sub: "ali\u202ece" }],
    ["half a surrogate pair", { sub: "ali\ud83dce" }],
    ["129 characters", { sub: "a".repeat(129) }],
  ])("a token with %s", async (_, claims) => {
    expect((await asBearer(await signed(claims))).status).toBe(401);
  });

  test("a token over the length limit", async () => {
    expect((await asBearer(await signed({ sub: someone(), more: "x".repeat(9_000) }))).status).toBe(
      401,
    );
  });

  test("a token in the query, because URLs are logged", async () => {
    const token = await tokenFor(someone());
    expect((await fetchJson(`${CONVERSATIONS}?access_token=${token}`)).status).toBe(401);
  });
});

describe("200", () => {
  test("the user id in nameid, which takes precedence over sub", async () => {
    const [nameid, sub] = [someone("nameid"), someone("sub")];
    expect((await asBearer(await signed({ nameid }))).status).toBe(200);
    expect((await asBearer(await signed({ nameid: "nobody-here", sub }))).status).toBe(200);
    const { body } = await fetchJson(`${USERS}?ids=${nameid},${sub},nobody-here`, {
      headers: { Authorization: `Bearer ${await signed({ nameid })}` },
    });
    expect(body.users.map((user: { id: string }) => user.id).sort()).toEqual([nameid, sub].sort());
  });

  test("a token signed with the older secret during rotation", async () => {
    const token = await tokenFor(someone(), { secret: OLDER_SECRET });
    expect((await asBearer(token)).status).toBe(200);
  });

  test("the scheme in any letter case", async () => {
    const token = await tokenFor(someone());
    for (const scheme of ["bearer", "BEARER", "Bearer "]) {
      const headers = { Authorization: `${scheme} ${token}` };
      expect((await fetchJson(CONVERSATIONS, { headers })).status).toBe(200);
    }
  });

  test.each([
    ["128 characters", "a".repeat(128)],
    ["128 characters of two UTF-16 units each", "😀".repeat(128)],
    ["letters of other scripts", "Ærøskøbing 王芳"],
    ["quotes and brackets", `o'brien "o" <b> [1] {2} \\ %20 ; --`],
    ["the name of a property of every object", "__proto__"],
  ])("a user id of %s", async (_, sub) => {
    expect((await asBearer(await signed({ sub }))).status).toBe(200);
  });
});
