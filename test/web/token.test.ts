import { describe, expect, test } from "vitest";
import { personOf } from "../../src/web/page/model/token.ts";
import { segment } from "../rest/requests.ts";

/** The page reads a token's user id in the same way as the server. */

const NOW = 1_800_000_000_000;
const UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

function whois(claims: object, userClaim?: string, roleClaim?: string) {
  const token = `${segment({ alg: "HS256" })}.${segment({ exp: NOW / 1_000 + 60, ...claims })}.x`;
  return personOf(token, userClaim, NOW, roleClaim);
}

describe("the user of a token", () => {
  test.each([
    ["sub", { sub: "ada", nameid: "x", name: "Ada" }, undefined, { id: "ada", name: "Ada" }],
    ["nameid", { nameid: "ada" }, undefined, { id: "ada", name: "ada" }],
    ["a UUID in lower case", { sub: UUID.toUpperCase() }, undefined, { id: UUID }],
    ["a claim of the server's choice", { sub: "x", a: { b: "ada" } }, "a.b", { id: "ada" }],
    ["letters of any script", { sub: "Ωмега", name: "王芳" }, "", { id: "Ωмега", name: "王芳" }],
  ])("is read from %s", (_, claims, userClaim, person) => {
    expect(whois(claims, userClaim)).toMatchObject(person);
  });

  test.each([
    ["an expiry in the past", { sub: "ada", exp: NOW / 1_000 }, undefined],
    ["no expiry", { sub: "ada", exp: undefined }, undefined],
    ["no user id", {}, undefined],
    ["a number as user id", { sub: 7 }, undefined],
    ["an invalid user id", { sub: " ada" }, undefined],
    ["no claim that the server requires", { sub: "ada" }, "oid"],
  ])("is missing in a token with %s", (_, claims, userClaim) => {
    expect(whois(claims, userClaim)).toBeUndefined();
  });

  test.each([
    ["role", { role: "resolver" }, undefined, true],
    ["roles", { roles: ["user", "admin"] }, undefined, true],
    ["another claim", { role: "user", a: { b: ["resolver"] } }, "a.b", true],
    ["the wrong claim", { role: "admin" }, "a.b", false],
    ["a role of no staff", { role: "support" }, undefined, false],
    ["no role", {}, undefined, false],
  ])("is staff by %s", (_, claims, roleClaim, isStaff) => {
    expect(whois({ sub: "ada", ...claims }, undefined, roleClaim)?.isStaff).toBe(isStaff);
  });

  test.each(["", "nonsense", "a.b.c", "..", "a.e30.c"])("is missing in %j", (token) => {
    expect(personOf(token, undefined, NOW)).toBeUndefined();
  });
});
