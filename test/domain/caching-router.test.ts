import fc from "fast-check";
import { TrieRouter } from "hono/router/trie-router";
import { expect, test } from "vitest";
import { CachingRouter } from "../../src/edge/router.ts";

const method = fc.constantFrom("GET", "POST", "PUT", "ALL");
const segment = fc.constantFrom("chat", "direct", ":id", ":name", "*", "messages");
const pattern = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join("/")}`);
const path = fc
  .array(fc.constantFrom("chat", "direct", "messages", "7"), { maxLength: 4 })
  .map((segments) => `/${segments.join("/")}`);

test("it finds what Hono's router finds, however often and whenever it is asked", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(method, pattern), { minLength: 1, maxLength: 8 }),
      fc.array(fc.tuple(method, path), { minLength: 1, maxLength: 8 }),
      (routes, requests) => {
        const trie = new TrieRouter<number>();
        const caching = new CachingRouter<number>();
        for (const [index, [routeMethod, routePath]] of routes.entries()) {
          trie.add(routeMethod, routePath, index);
          caching.add(routeMethod, routePath, index);
          for (const [asked, to] of [...requests, ...requests]) {
            expect(caching.match(asked, to)).toEqual(trie.match(asked, to));
          }
        }
      },
    ),
  );
});
