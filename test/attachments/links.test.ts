import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { keyIn, Links, verifiedLink } from "../../src/attachments/links.ts";

const KEY = "3fa85f64-5717-4562-b3fc-2c963f66afa6.pdf";
const NOW = Date.UTC(2026, 1, 7, 10, 30);
const file = { key: KEY, mimeType: "application/pdf" };

const queryOf = (secrets: string[]) =>
  new URL(new Links(secrets, "https://parley.test").linkTo(file, NOW)).searchParams;

test("links signed with a current secret are valid, those signed with a removed one are not", () => {
  const old = queryOf(["old"]);
  const rotated = queryOf(["new", "old"]);
  expect(verifiedLink(["new", "old"], KEY, old, NOW)).toBe("inline");
  expect(verifiedLink(["new"], KEY, rotated, NOW)).toBe("inline");
  expect(verifiedLink(["new"], KEY, old, NOW)).toBeUndefined();
});

test("a link is valid for at least a day, and at most an hour longer", () => {
  const expires = Number(queryOf(["secret"]).get("expires")) * 1_000;
  expect(expires - NOW).toBeGreaterThanOrEqual(24 * 60 * 60_000);
  expect(expires - NOW).toBeLessThanOrEqual(25 * 60 * 60_000);
});

/** Over more files and hours than are kept, and back again. */
test("a link is that of its file, its hour and the first secret, whichever were made before", () => {
  const secrets = ["a secret", "an older one"];
  const links = new Links(secrets, "https://parley.test");
  const isInline = [true, false];
  fc.assert(
    fc.property(fc.nat(2_500), fc.nat(3), fc.constantFrom(...isInline), (file, hour, inline) => {
      const key = `3fa85f64-5717-4562-b3fc-${String(file).padStart(12, "0")}.pdf`;
      const now = NOW + hour * 60 * 60_000 + file;
      const link = links.linkTo({ key, mimeType: inline ? "application/pdf" : "text/html" }, now);
      const [expires, disposition] = [
        String(Math.floor(now / 3_600_000 + 25) * 3_600),
        inline ? "inline" : "attachment",
      ];
      const signature = createHmac("sha256", "a secret")
        .update(`${key}\n${expires}\n${disposition}`)
        .digest("base64url");
      const query = `expires=${expires}&disposition=${disposition}&signature=${signature}`;
      expect(link).toBe(`https://parley.test/uploads/chat/${key}?${query}`);
    }),
    { numRuns: 10_000 },
  );
});

test.each([
  [`https://parley.test/uploads/chat/${KEY}`, KEY],
  [`https://parley.test/uploads/chat/${KEY}?expires=1&signature=x`, KEY],
  [`http://localhost:5000/uploads/chat/${KEY}`, KEY],
  [`/uploads/chat/${KEY}`, KEY],
  [KEY, undefined],
  [`https://parley.test/other/${KEY}`, undefined],
  [`https://parley.test/uploads/chat/x/${KEY}`, undefined],
  ["https://parley.test/uploads/chat/document.pdf", undefined],
  [`https://parley.test/uploads/chat/${KEY}/..`, undefined],
  [`javascript:/uploads/chat/${KEY}`, KEY],
  ["", undefined],
])("the key in %j is %j", (link, key) => {
  expect(keyIn(link)).toBe(key);
});
