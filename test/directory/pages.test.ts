import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type List, type Page, pagesOf } from "../../src/directory/pages.ts";

const LISTS: List[] = ["members", "uncounted", "sent", "deleted"];
const list = fc.constantFrom(...LISTS);
const row = fc.oneof(fc.integer(), fc.string({ unit: "grapheme" }), fc.array(fc.string()));
const rows = fc.array(fc.tuple(list, row), { maxLength: 40 });

const bytesOf = (page: Page) => {
  const all = LISTS.flatMap((name) => page[name]);
  return { rows: all.length, bytes: Buffer.byteLength(all.join()) };
};

test("every row is on one page, in order, and no page of several rows exceeds the limit", () => {
  fc.assert(
    fc.property(rows, fc.nat(300), fc.integer({ min: 1, max: 200 }), (given, taken, most) => {
      const pages = pagesOf(given, taken, most);
      for (const name of LISTS) {
        const found = pages.flatMap((page) => page[name].map((json) => JSON.parse(json)));
        const put = given.filter(([to]) => to === name).map(([, value]) => value);
        expect(found).toEqual(JSON.parse(JSON.stringify(put)));
      }
      for (const [index, page] of pages.entries()) {
        const { rows, bytes } = bytesOf(page);
        if (rows > 1) expect(bytes).toBeLessThanOrEqual(most);
        if (index === 0 && taken > 0 && rows > 0) expect(taken + bytes).toBeLessThanOrEqual(most);
        if (index > 0) expect(rows).toBeGreaterThan(0);
      }
    }),
  );
});
