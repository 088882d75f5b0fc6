import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { END_BYTES, headerOf, paddingOf } from "../../src/jobs/archive/tar.ts";

/** Headers of archives, as the system's own `tar` reads them. */

const MODIFIED = 1_790_000_000;

function archiveOf(files: readonly (readonly [path: string, content: string])[]): Buffer {
  const parts = files.flatMap(([path, content]) => {
    const bytes = Buffer.from(content);
    const header = headerOf({ path, size: bytes.length, modified: MODIFIED });
    return [Buffer.from(header), bytes, Buffer.alloc(paddingOf(bytes.length))];
  });
  return Buffer.concat([...parts, Buffer.alloc(END_BYTES)]);
}

test("tar extracts short, long and foreign names, empty files and whole blocks", () => {
  const folder = mkdtempSync(join(tmpdir(), "parley-tar-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = [
    ["manifest.json", "{}"],
    ["empty", ""],
    ["block", "b".repeat(512)],
    [`${"n".repeat(99)}a`, "100 bytes"],
    [`${"n".repeat(100)}b`, "101 bytes"],
    [`files/${"key".repeat(15)}/概要 Übersicht 🎉.txt`, "foreign"],
    [`files/x/${"長".repeat(80)}.txt`, "long and foreign"],
  ] as const;
  const path = join(folder, "archive.tar");
  writeFileSync(path, archiveOf(files));
  execFileSync("tar", ["-xf", path, "-C", folder]);
  for (const [name, content] of files) {
    expect(readFileSync(join(folder, name), "utf8")).toBe(content);
  }
});

test("a size above 8 GiB is in the pax header, whose length counts itself", () => {
  const header = headerOf({ path: "large.bin", size: 2 ** 40, modified: MODIFIED });
  expect(Buffer.from(header).toString("latin1", 512, 512 + 22)).toBe("22 size=1099511627776\n");
  // 9 digits and 9 more: the record has 99 bytes with a length of two digits, and 101 with three.
  for (let length = 80; length < 120; length++) {
    const path = `é${"x".repeat(length)}`;
    const text = Buffer.from(headerOf({ path, size: 1, modified: MODIFIED })).toString("utf8", 512);
    const record = /^(\d+) path=[^\n]*\n/.exec(text);
    expect(Buffer.byteLength(record?.[0] ?? "")).toBe(Number(record?.[1]));
  }
});
