import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { claimAt } from "../../src/domain/claim.ts";

const NAME_IDENTIFIER = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";

describe("a claim", () => {
  test.each<[what: string, claims: unknown, name: string, value: unknown]>([
    ["by its name", { user_id: "a" }, "user_id", "a"],
    ["by a URI, as ASP.NET names them", { [NAME_IDENTIFIER]: "a" }, NAME_IDENTIFIER, "a"],
    ["by a name with a colon", { "cognito:groups": ["a"] }, "cognito:groups", ["a"]],
    ["by a path", { realm_access: { roles: ["a"] } }, "realm_access.roles", ["a"]],
    ["by a longer path", { a: { b: { c: { d: "x" } } } }, "a.b.c.d", "x"],
    ["by its exact name before a path", { "a.b": "name", a: { b: "path" } }, "a.b", "name"],
    [
      "by a path over names with dots",
      { resource_access: { "my.client": { roles: ["a"] } } },
      "resource_access.my.client.roles",
      ["a"],
    ],
    [
      "by a path after a URI",
      { "https://app.test/claims": { roles: ["a"] } },
      "https://app.test/claims.roles",
      ["a"],
    ],
    ["by a path around one that leads nowhere", { a: { x: 1 }, "a.b": { c: "x" } }, "a.b.c", "x"],
    ["that is null", { a: { b: null } }, "a.b", null],
    ["that is not there", { a: "x" }, "b", undefined],
    ["a path into a string", { a: "x" }, "a.length", undefined],
    ["a path into null", { a: null }, "a.b", undefined],
    ["within a list", { a: [{ b: "x" }] }, "a.0.b", undefined],
    ["of an empty name", { a: "x" }, "", undefined],
    ["of dots alone", { a: "x" }, "..", undefined],
    ["a path with an empty part", { a: { b: "x" } }, "a..b", undefined],
    ["that every object has", {}, "constructor", undefined],
    ["that every object's own have", {}, "constructor.name", undefined],
    ["of an object's prototype", { a: {} }, "a.__proto__.toString", undefined],
    ["that an object named __proto__ has", JSON.parse('{"__proto__":{"a":"x"}}'), "a", undefined],
    ["of no object", "text", "length", undefined],
  ])("%s", (_, claims, name, value) => {
    expect(claimAt(claims, name)).toEqual(value);
  });

  test("is found by its exact name", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.jsonValue(), (name, value) => {
        const claims = Object.fromEntries([[name, value]]);
        expect(claimAt(claims, name)).toBe(value);
      }),
    );
  });

  test("is found by its path, with any property names", () => {
    const names = fc.array(fc.string(), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(names, (path) => {
        const claims = path.reduceRight<unknown>((value, name) => ({ [name]: value }), "found");
        // An ambiguous path has one result, as long as there are no other properties.
        expect(claimAt(claims, path.join("."))).toBe("found");
      }),
    );
  });
});
