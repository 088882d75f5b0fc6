import { describe, expect, test } from "vitest";
import { TokenVerifier } from "../../src/edge/token.ts";
import { settingsOf } from "../../src/env.ts";
import { tokenFor } from "../support.ts";
import { envWith, signed } from "./requests.ts";

/** The user id of a token, under changed settings. */
function whois(token: string, changes: Record<string, unknown> = {}, now = Date.now()) {
  const settings = settingsOf(envWith(changes));
  if (settings instanceof Error) throw settings;
  return new TokenVerifier(settings).verified(token, now);
}

async function actorOf(claims: Record<string, unknown>, changes: Record<string, unknown> = {}) {
  return (await whois(await signed({ sub: "alice", ...claims }), changes))?.actor;
}

/** A time in the middle of a second, and its second. */
const SECOND = 1_800_000_000;
const NOW = SECOND * 1_000 + 500;

describe("JWT_ISSUER and JWT_AUDIENCE", () => {
  const settings = { JWT_ISSUER: "https://login.test", JWT_AUDIENCE: "parley" };
  const right = { iss: "https://login.test", aud: "parley" };

  test("are required in a token when they are set", async () => {
    expect(await whois(await signed({ sub: "alice", ...right }), settings)).toBeDefined();
    for (const wrong of [
      { iss: undefined },
      { iss: "https://other.test" },
      { iss: "https://login.test/" },
      { aud: undefined },
      { aud: "other" },
      { aud: ["other"] },
    ]) {
      const token = await signed({ sub: "alice", ...right, ...wrong });
      expect(await whois(token, settings), JSON.stringify(wrong)).toBeUndefined();
    }
  });

  test("one matching audience of several is sufficient", async () => {
    const token = await signed({ sub: "alice", ...right, aud: ["other", "parley"] });
    expect(await whois(token, settings)).toBeDefined();
  });

  test("are ignored when they are not set", async () => {
    const token = await signed({ sub: "alice", iss: "anybody", aud: "anything" });
    expect(await whois(token)).toBeDefined();
  });
});

describe("a minute of clock tolerance", () => {
  const UNTIL = { sub: "alice", exp: SECOND + 3_600 };

  test.each([
    ["nbf now", { nbf: SECOND }, true],
    ["nbf five seconds ahead", { nbf: SECOND + 5 }, true],
    ["nbf a minute ahead", { nbf: SECOND + 60 }, true],
    ["nbf more than a minute ahead", { nbf: SECOND + 61 }, false],
    ["iat now", { iat: SECOND }, true],
    ["iat five seconds ahead", { iat: SECOND + 5 }, true],
    ["iat a minute ahead", { iat: SECOND + 60 }, true],
    ["iat more than a minute ahead", { iat: SECOND + 61 }, false],
    ["iat in milliseconds", { iat: SECOND * 1_000 }, false],
    ["iat long ago", { iat: 1 }, true],
    ["exp a second ahead", { exp: SECOND + 1 }, true],
    ["exp within this second", { exp: SECOND + 0.75 }, true],
    ["exp now", { exp: SECOND + 0.5 }, false],
    ["exp at this second's beginning", { exp: SECOND }, false],
    ["exp a second ago", { exp: SECOND - 1 }, false],
    ["nbf is not a number", { nbf: "now" }, false],
    ["iat is not a number", { iat: "now" }, false],
  ])("for nbf and iat, none for exp: %s", async (_, claims, accepted) => {
    const verified = await whois(await signed({ ...UNTIL, ...claims }), {}, NOW);
    expect(verified !== undefined).toBe(accepted);
  });
});

describe("the user id", () => {
  const UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
  const NAME_IDENTIFIER = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";

  test.each([
    ["sub", { sub: UUID.toUpperCase() }, {}],
    ["nameid", { sub: undefined, nameid: UUID.toUpperCase() }, {}],
    ["JWT_USER_CLAIM", { oid: UUID.toUpperCase() }, { JWT_USER_CLAIM: "oid" }],
  ])("if it is a UUID, is in lower case, from %s", async (_, claims, settings) => {
    expect((await actorOf(claims, settings))?.userId).toBe(UUID);
  });

  test("if it is not a UUID, is unchanged", async () => {
    expect((await actorOf({ sub: "Alice" }))?.userId).toBe("Alice");
  });

  test.each([
    ["oid", { oid: "bob" }],
    [NAME_IDENTIFIER, { [NAME_IDENTIFIER]: "bob" }],
    ["https://app.test/user.id", { "https://app.test/user": { id: "bob" } }],
    ["app.user", { app: { user: "bob" }, user: "mallory" }],
    ["app.user", { "app.user": "bob", app: { user: "mallory" } }],
    ["  oid ", { oid: "bob" }],
  ])("is taken from JWT_USER_CLAIM %s: %j", async (JWT_USER_CLAIM, claims) => {
    const actor = await actorOf({ nameid: "mallory", ...claims }, { JWT_USER_CLAIM });
    expect(actor?.userId).toBe("bob");
  });

  test.each([
    ["is missing", "oid", {}],
    ["is a number", "oid", { oid: 42 }],
    ["is a list", "oid", { oid: ["bob"] }],
    ["is not a valid user id", "oid", { oid: " bob" }],
    ["is a built-in property", "constructor.name", {}],
    ["is a built-in accessor", "__proto__", {}],
  ])("is not taken from sub where JWT_USER_CLAIM %s: 401", async (_, JWT_USER_CLAIM, claims) => {
    expect(await actorOf(claims, { JWT_USER_CLAIM })).toBeUndefined();
  });

  test("is taken from JWT_USER_CLAIM whatever sub is", async () => {
    const actor = await actorOf({ sub: 42, oid: "bob" }, { JWT_USER_CLAIM: "oid" });
    expect(actor?.userId).toBe("bob");
  });
});

describe("JWT_ROLE_CLAIM", () => {
  const ROLE_URI = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";

  test.each([
    ["realm_access.roles", { realm_access: { roles: ["offline_access", "support"] } }, "support"],
    [
      "resource_access.my.app.roles",
      { resource_access: { "my.app": { roles: "admin" } } },
      "admin",
    ],
    [ROLE_URI, { [ROLE_URI]: "resolver" }, "resolver"],
    ["cognito:groups", { "cognito:groups": ["admin"] }, "admin"],
    ["groups", { groups: [] }, "user"],
    ["groups", { groups: { admin: true } }, "user"],
    ["groups", {}, "user"],
    ["groups", { role: "admin", roles: ["admin"] }, "user"],
    // A string is one role; a space-separated scope is not split.
    ["scope", { scope: "openid admin" }, "user"],
    ["__proto__", {}, "user"],
    ["constructor.name", {}, "user"],
  ])("%s of %j is the role %s", async (JWT_ROLE_CLAIM, claims, role) => {
    expect((await actorOf(claims, { JWT_ROLE_CLAIM }))?.role).toBe(role);
  });
});

describe("other claims of a token", () => {
  test.each([
    [{}, "user"],
    [{ role: "admin" }, "admin"],
    [{ role: "resolver" }, "resolver"],
    [{ roles: "support" }, "support"],
    [{ roles: ["buyer", "admin"] }, "admin"],
    [{ role: ["support", "resolver"] }, "resolver"],
    [{ role: "administrator" }, "user"],
    [{ role: "__proto__" }, "user"],
    [{ role: { admin: true } }, "user"],
    [{ role: [["admin"]] }, "user"],
    [{ role: 1, roles: null }, "user"],
  ])("%j is the role %s", async (claims, role) => {
    expect((await actorOf(claims))?.role).toBe(role);
  });

  test.each([
    ["Alice", "Alice"],
    ["  Alice ", "Alice"],
    ["", null],
    [" \t ", null],
    ["Ali\u0007ce", null],
    ["Alice \u202eecnerwaL\u202c", "Alice ecnerwaL"],
    ["\u2067Alice\u2069", "Alice"],
    ["Alice\u2028Admin", "AliceAdmin"],
    ["\u202e \u2029", null],
    ["\u05d0\u05d1\u200f (A)", "\u05d0\u05d1\u200f (A)"],
    [["Alice"], null],
    [7, null],
    ["😀".repeat(201), "😀".repeat(200)],
  ])("the name %j is %j", async (name, expected) => {
    expect((await actorOf({ name }))?.name).toBe(expected);
  });

  test.each([
    ["https://img.test/alice.png", "https://img.test/alice.png"],
    ["alice.png", null],
    [{ url: "https://img.test/alice.png" }, null],
    ["javascript:alert(1)", null],
    ["data:text/html,<script>alert(1)</script>", null],
  ])("the picture %j is %j", async (picture, expected) => {
    expect((await actorOf({ picture }))?.avatarUrl).toBe(expected);
  });

  test("other roles give only the rights of a member", async () => {
    expect((await actorOf({ role: "admin", reach: "staff" }))?.reach).toBe("member");
  });

  test("the expiry can be serialized, however far in the future it is", async () => {
    for (const exp of [4e9 + 0.5, 1e15, 1e306]) {
      const verified = await whois(await signed({ sub: "alice", exp }));
      if (verified) expect(JSON.parse(JSON.stringify(verified)).expiresAt).toBeGreaterThan(4e12);
    }
  });

  test("the session expires with the token", async () => {
    const token = await tokenFor("alice", { expiresIn: 60 });
    const verified = await whois(token);
    expect(Math.abs((verified?.expiresAt ?? 0) - Date.now() - 60_000)).toBeLessThan(5_000);
  });
});
