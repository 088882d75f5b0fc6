import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";

const BELOW_EDGE = ["domain", "live", "directory", "attachments", "conversation"];
/**
 * The order of src/: what each folder may import besides itself. Biome checks it (biome.layers.json, and
 * `noImportCycles`); this shows that it does. What Biome cannot express is checked below.
 */
const MAY: Record<string, readonly string[]> = {
  domain: [],
  live: ["domain"],
  contract: ["domain", "live"],
  directory: ["domain", "live"],
  attachments: ["domain", "live", "directory"],
  conversation: ["domain", "live", "directory", "attachments"],
  edge: [...BELOW_EDGE, "contract"],
  gateway: [...BELOW_EDGE, "contract", "edge"],
  notify: [...BELOW_EDGE, "contract", "edge"],
  inbox: [...BELOW_EDGE, "contract", "edge", "gateway", "notify"],
  "dialects/unihub": [...BELOW_EDGE, "contract", "edge", "gateway", "notify", "inbox"],
  "dialects/marketplace": [...BELOW_EDGE, "contract", "edge", "gateway", "notify", "inbox"],
  jobs: [...BELOW_EDGE, "contract", "edge"],
  admin: [...BELOW_EDGE, "contract", "edge", "gateway", "notify", "inbox", "jobs"],
  client: ["domain", "live", "contract"],
  web: [],
  "web/page": ["domain", "live", "client"],
  cli: ["domain"],
};
const LAYERS = Object.keys(MAY);
/** Folders that run in browsers as well: without settings and log, and with these packages alone. */
const PACKAGES: Record<string, readonly string[]> = {
  domain: [],
  live: ["zod"],
  contract: ["zod", "@hono/zod-openapi"],
  client: ["zod"],
  web: [],
  "web/page": ["zod", "preact", "preact/hooks", "@preact/signals"],
};

const report = z.object({
  diagnostics: z.array(
    z.object({
      category: z.string(),
      location: z.object({ path: z.string(), start: z.object({ line: z.number() }) }),
    }),
  ),
});

const root = fileURLToPath(new URL("../..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "imports-"));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Where a rule of Biome reports files like these: `path:line`, paths under src/. */
function lint(rule: string, files: Record<string, string>): string[] {
  const folder = mkdtempSync(join(scratch, "case-"));
  const { vcs: _, ...config } = JSON.parse(readFileSync(join(root, "biome.json"), "utf8"));
  writeFileSync(join(folder, "biome.json"), JSON.stringify(config));
  cpSync(join(root, "biome.layers.json"), join(folder, "biome.layers.json"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, "src", path)), { recursive: true });
    writeFileSync(join(folder, "src", path), text);
  }
  const options = ["lint", "--reporter=json", "--max-diagnostics=none", "src"];
  const { stdout } = spawnSync(join(root, "node_modules/.bin/biome"), options, { cwd: folder });
  const found = report.parse(JSON.parse(stdout.toString())).diagnostics;
  const places = found
    .filter(({ category }) => category.endsWith(`/${rule}`))
    .map(({ location: { path, start } }) => `${path.replace("src/", "")}:${start.line}`);
  return [...new Set(places)].sort();
}

describe("dependencies", () => {
  test("every folder of src/ has its place", () => {
    const folders = (path: string) =>
      readdirSync(join(root, "src", path), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => posix.join(path, name));
    const top = folders("").filter((name) => name !== "dialects");
    expect([...top, ...folders("dialects"), ...folders("web")].sort()).toEqual(LAYERS.toSorted());
  });

  test("each folder imports what is below it, and nothing else", () => {
    const files: Record<string, string> = {};
    const refused: string[] = [];
    for (const layer of LAYERS) {
      const inBrowsers = PACKAGES[layer] !== undefined;
      const may = [...(MAY[layer] ?? []), layer].map((folder) => `${folder}/x.ts`);
      if (!inBrowsers && layer !== "cli") may.push("env.ts", "logging.ts", "metrics.ts");
      if (layer === "web" || layer === "cli") may.push("web/built.ts");
      if (layer === "web") may.push("web/serve.ts");
      const local = LAYERS.filter((name) => name !== "web").map((folder) => `${folder}/x.ts`);
      local.push("web/serve.ts", "web/built.ts", "env.ts", "logging.ts", "metrics.ts", "app.ts");
      local.push("index.ts");
      const packages = inBrowsers ? ["hono", "node:crypto", "preact", "preact/hooks", "zod"] : [];
      // Folders with subfolders are looked at from within one.
      const nested = /^(attachments|conversation|dialects|web\/page)/.test(layer);
      const path = nested ? `${layer}/deep/probe.ts` : `${layer}/probe.ts`;
      const specifier = (target: string) =>
        posix.relative(posix.dirname(path), target).replace(/^(?!\.)/, "./");
      const lines = [
        ...local.map((target) => ({ name: specifier(target), ok: may.includes(target) })),
        ...packages.map((name) => ({ name, ok: PACKAGES[layer]?.includes(name) === true })),
      ];
      files[path] = lines.map(({ name }) => `import "${name}";`).join("\n");
      refused.push(...lines.flatMap(({ ok }, index) => (ok ? [] : `${path}:${index + 1}`)));
    }
    expect(lint("noRestrictedImports", files)).toEqual(refused.sort());
  });

  test("what is above storage imports none of its modules", () => {
    const layers = ["edge", "gateway", "inbox", "dialects/unihub", "dialects/marketplace", "admin"];
    const files = layers.map((layer) => {
      const up = posix.relative(layer, "");
      const local = ["directory/schema.ts", "conversation/tables/reads.ts"];
      const modules = ["drizzle-orm", "drizzle-orm/d1", ...local.map((path) => `${up}/${path}`)];
      return [`${layer}/probe.ts`, modules.map((name) => `import "${name}";`).join("\n")];
    });
    const expected = files.flatMap(([path]) => [1, 2, 3, 4].map((line) => `${path}:${line}`));
    expect(lint("noRestrictedImports", Object.fromEntries(files))).toEqual(expected.sort());
  });

  test("an import is found in whatever form", () => {
    const forms = [
      'import type { A } from "../edge/a.ts";',
      'import { type A, b } from "../edge/a.ts";',
      'import { c } from\n  "../edge/a.ts";',
      'export * from "../edge/a.ts";',
      'export type { A } from "../edge/a.ts";',
      'const a = await import("../edge/a.ts");',
    ];
    const files = forms.map((text, index) => [`directory/${index}.ts`, text]);
    expect(lint("noRestrictedImports", Object.fromEntries(files))).toHaveLength(forms.length);
  });

  test("no file cycles, those of types included", () => {
    const files = {
      "edge/a.ts": 'import type { B } from "./b.ts";\nexport type A = B[];',
      "edge/b.ts": 'import type { C } from "./c.ts";\nexport type B = C[];',
      "edge/c.ts": 'import type { A } from "./a.ts";\nexport type C = A[];',
    };
    expect(lint("noImportCycles", files)).toEqual(["edge/a.ts:1", "edge/b.ts:1", "edge/c.ts:1"]);
  });
});

/** Storage, by whatever name it is called. Alarms are none, nor is clearing all of it. */
const STORAGE =
  /\bsql\s*\.\s*exec\b|\.\s*storage\b(?!\s*\.\s*((set|get|delete)Alarm|deleteAll)\()|\.\s*(prepare|batch)\s*\(|\b(DB|FILES)\s*\??\.\s*\w+/;
const ASYNCHRONOUS = /\b(await|async|Promise)\b|\.\s*(then|catch|finally)\s*\(/;

const TEXT_RULES: { what: string; where: RegExp; never: RegExp }[] = [
  { what: "touches storage", where: /^(edge|gateway|dialects|admin)\//, never: STORAGE },
  {
    what: "touches storage",
    where: /^conversation\/(decide|queries|outbound)\//,
    never: /\bsql\s*\.\s*exec\b/,
  },
  // Between a command's leaving the queue and the broadcast of its commit.
  {
    what: "is asynchronous",
    where: /^conversation\/(decide|commit|tables)\//,
    never: ASYNCHRONOUS,
  },
];

/** The text without comments; quoted text stays. */
function withoutComments(text: string): string {
  const tokens =
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/.*|\/\*[\s\S]*?\*\//g;
  return text.replace(tokens, (_, quoted?: string) => quoted ?? "");
}

function breaches(path: string, text: string): string[] {
  return TEXT_RULES.flatMap(({ what, where, never }) => {
    const [found] = (where.test(path) && never.exec(withoutComments(text))) || [];
    return found ? [`${path} ${what}: ${found}`] : [];
  });
}

describe("storage and turns", () => {
  test("the sources keep the rules", () => {
    const paths = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
      .map((path) => path.replaceAll("\\", "/"))
      .filter((path) => /\.tsx?$/.test(path));
    for (const { where } of TEXT_RULES)
      expect(paths.filter((path) => where.test(path))).not.toEqual([]);
    const found = paths.flatMap((path) =>
      breaches(path, readFileSync(join(root, "src", path), "utf8")),
    );
    expect(found).toEqual([]);
  });

  test.each([
    ["edge/x.ts", "ctx.storage.get(key)", "touches storage: .storage"],
    ["gateway/x.ts", 'this.sql.exec("SELECT 1")', "touches storage: sql.exec"],
    ["dialects/unihub/x.ts", "session.prepare(text)", "touches storage: .prepare("],
    ["dialects/marketplace/x.ts", "c.env.FILES.put(key, body)", "touches storage: FILES.put"],
    ["admin/x.ts", "c.env.DB.withSession()", "touches storage: DB.withSession"],
    ["conversation/outbound/x.ts", 'sql.exec("SELECT 1")', "touches storage: sql.exec"],
    ["conversation/decide/x.ts", "const x = await y;", "is asynchronous: await"],
    ["conversation/commit/x.ts", "ready.then(next);", "is asynchronous: .then("],
    ["conversation/commit/x.ts", "let done: Promise<void>;", "is asynchronous: Promise"],
    ["conversation/tables/x.ts", "async function x() {}", "is asynchronous: async"],
  ])("%s: %s", (path, text, breach) => {
    expect(breaches(path, text)).toEqual([`${path} ${breach}`]);
  });

  test.each([
    ["dialects/marketplace/x.ts", "this.ctx.storage.setAlarm(at); this.ctx.storage.deleteAll();"],
    ["edge/x.ts", 'directoryOf(c.env.DB); const url = "https://x.test";'],
    ["conversation/commit/x.ts", "/** Nothing here may await. */\n// no Promise\nasynchronous();"],
    ["conversation/outbound/x.ts", "await readersOf(sql);"],
  ])("and what breaks none: %s: %s", (path, text) => {
    expect(breaches(path, text)).toEqual([]);
  });
});
