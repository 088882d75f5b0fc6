import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { settingsOf } from "../../src/env.ts";
import {
  type ArchiveState,
  archiveState,
  archiveStep,
  FIRST_STATE,
  removeArchive,
} from "../../src/jobs/archive/archive.ts";
import { bytesBetween } from "../../src/jobs/archive/bytes.ts";
import { SMALL_BYTES } from "../../src/jobs/archive/files.ts";
import { createTables, keyOf, putFiles, putLines } from "../../src/jobs/archive/tables.ts";
import type { JobContext } from "../../src/jobs/kind.ts";
import { Random } from "../random.ts";
import { unpack } from "./unpack.ts";

/** The bytes of an archive: the same in any order of parts, and after any interruption. */

const CONTENTS = {
  lists: [
    { name: "about", single: true as const },
    { name: "lines" },
    { name: "empty" },
    { name: "files" },
  ],
  manifest: () => ({ of: "test" }),
};

/** Runs `use` in the object of a job that has the context of a step. */
function inJob<T>(use: (context: JobContext) => Promise<T>): Promise<T> {
  const jobId = crypto.randomUUID();
  const settings = settingsOf(env);
  if (settings instanceof Error) throw settings;
  return runInDurableObject(env.JOBS.getByName(jobId), (_, { storage }) => {
    createTables(storage.sql);
    return use({
      ...{ jobId, env, settings, sql: storage.sql, clock: () => Date.now() },
      startedBy: { userId: "admin", role: "admin" },
      startedAt: 1_790_000_000_000,
    });
  });
}

async function fill(context: JobContext, random: Random): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  putLines(context.sql, [{ list: "about", key: "0", value: { name: "Ünïcode 🎉" } }]);
  const count = random.between(1, 400);
  putLines(
    context.sql,
    Array.from({ length: count }, (_, number) => ({
      list: "lines",
      key: keyOf(number),
      value: { number, text: random.pick(["é", "x", "🎉", "\n"]).repeat(random.below(3_000)) },
    })),
  );
  const names = [
    "a.txt",
    `${"長い名前".repeat(30)}.txt`,
    "../../etc/passwd.txt",
    "..",
    "b".repeat(99),
  ];
  for (const name of names) {
    const key = `${crypto.randomUUID()}.txt`;
    // The first is never kept with the job.
    const least = files.size === 0 ? SMALL_BYTES + 1 : 0;
    const bytes = new Uint8Array(least + random.below(5_000)).fill(random.below(256));
    await env.FILES.put(key, bytes);
    putFiles(context.sql, [{ key, name, mimeType: "text/plain", size: 1 }]);
    files.set(key, name);
  }
  return files;
}

/** Steps until `at`, each with the state as it would have been stored. */
async function stepTo(context: JobContext, at: string, first = FIRST_STATE): Promise<ArchiveState> {
  let state: ArchiveState = first;
  while (state.at !== at) {
    const step = await archiveStep(context, CONTENTS, state);
    if (!("state" in step)) throw new Error(JSON.stringify(step));
    state = archiveState.parse(JSON.parse(JSON.stringify(step.state)));
  }
  return state;
}

async function joined(chunks: AsyncGenerator<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk.slice());
  return new Uint8Array(await new Blob(all as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** Where a tar has something else than zeros behind the bytes of an entry, or behind the last one. */
function notZeroBetween(tar: Uint8Array): number[] {
  const found: number[] = [];
  const look = (from: number, to: number) => {
    for (let at = from; at < to; at++) if (tar[at] !== 0) found.push(at);
  };
  const text = new TextDecoder();
  let at = 0;
  while (tar[at] !== 0) {
    const size = Number.parseInt(text.decode(tar.subarray(at + 124, at + 136)), 8);
    const end = at + 512 + size;
    at = Math.ceil(end / 512) * 512;
    look(end, at);
  }
  expect(tar.length - at).toBeGreaterThanOrEqual(1_024);
  look(at, tar.length);
  return found;
}

test("any range of an archive has the bytes of the whole; a library reads it, and the manifest's hashes are right", async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.log(`seed ${seed}`);
  const random = new Random(seed);
  await inJob(async (context) => {
    const files = await fill(context, random);
    const state = await stepTo(context, "begin");
    if (state.at !== "begin") throw new Error("not planned");
    const sources = { sql: context.sql, bucket: env.FILES, startedAt: context.startedAt };
    const whole = await joined(bytesBetween(sources, 0, state.size));
    expect(whole.length).toBe(state.size);
    for (let i = 0; i < 100; i++) {
      const from = random.below(state.size);
      const to = random.between(from, Math.min(state.size, from + 40_000));
      const range = await joined(bytesBetween(sources, from, to));
      expect(range, `${from}…${to}`).toEqual(whole.subarray(from, to));
    }
    expect(notZeroBetween(whole)).toEqual([]);
    const entries = await unpack(new Blob([whole as Uint8Array<ArrayBuffer>]).stream());
    const manifest = JSON.parse(entries.at(-1)?.text ?? "");
    expect(entries.at(-1)?.path).toBe("manifest.json");
    expect(manifest.entries).toEqual(
      entries
        .filter(({ path }) => !path.startsWith("files/") && path !== "manifest.json")
        .map(({ path, size, sha256, text }) => ({
          ...{ path, size, sha256, lines: text.split("\n").length - 1 },
        })),
    );
    const listed = entries
      .filter(({ path }) => path.startsWith("files-"))
      .flatMap(({ text }) =>
        text
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line)),
      );
    expect(listed.map(({ key, name }) => [key, name]).sort()).toEqual([...files].sort());
    for (const { key, path, size, sha256 } of listed) {
      expect(path).toMatch(/^files\/[^/]+\/[^/]+$/);
      expect(path).not.toMatch(/\/\.|\.$/);
      expect(entries.find((entry) => entry.path === path)).toMatchObject({ size, sha256 });
      expect((await env.FILES.head(key))?.size).toBe(size);
    }
  });
});

test("a step that is repeated leaves the same archive; an abandoned one leaves nothing", async () => {
  const random = new Random(1);
  await inJob(async (context) => {
    await fill(context, random);
    let state: ArchiveState = FIRST_STATE;
    let finished: unknown;
    while (!finished) {
      // The first time its state is lost.
      const lost = await archiveStep(context, CONTENTS, state);
      const step = await archiveStep(context, CONTENTS, state);
      if ("finished" in lost) expect(step).toEqual(lost);
      if ("state" in step) state = step.state;
      else finished = step;
    }
    const key = `exports/${context.jobId}.tar`;
    const object = await env.FILES.get(key);
    expect(finished).toMatchObject({ finished: { size: object?.size, files: 5 } });
    if (!object) throw new Error("no archive");
    expect(await unpack(object.body)).toHaveLength(3 + 5 + 1);
    await removeArchive(context);
    await removeArchive(context);
    expect(await env.FILES.head(key)).toBeNull();
    expect(
      context.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'export%'").toArray(),
    ).toEqual([]);
  });
});

test("a file that is deleted while the archive is written is named as missing", async () => {
  await inJob(async (context) => {
    const files = await fill(context, new Random(2));
    const [gone = ""] = files.keys();
    let state = await stepTo(context, "upload");
    await env.FILES.delete(gone);
    const again = await archiveStep(context, CONTENTS, state);
    expect(again).toMatchObject({ state: { at: "lists", list: 0 } });
    // The state behind it was lost.
    const lost = await archiveStep(context, CONTENTS, state);
    expect(lost).toMatchObject({ state: { at: "lists", list: 0 } });
    state = await stepTo(context, "complete", {
      at: "lists",
      list: 0,
      place: { start: 0, entries: 0, after: "" },
    });
    expect(await archiveStep(context, CONTENTS, state)).toMatchObject({
      finished: { files: 4, missingFiles: 1 },
    });
    const object = await env.FILES.get(`exports/${context.jobId}.tar`);
    if (!object) throw new Error("no archive");
    const entries = await unpack(object.body);
    const listed = entries.find(({ path }) => path === "files-0001.jsonl")?.text ?? "";
    expect(listed.split("\n").filter((line) => line.includes(gone))).toEqual([
      expect.stringContaining('"missing":true'),
    ]);
    expect(entries.some(({ path }) => path.includes(gone))).toBe(false);
  });
});
