import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/** Files by their path under src/. */
type Sources = Record<string, string>;

/** Whatever two layers share: bindings and settings, and the log. */
const SHARED = ["env.ts", "logging.ts"];
const CORE = ["domain", "live", "directory", ...SHARED];

/** What a folder may import besides itself; packages are free where none are listed. */
const LAYERS: Record<string, { may: string[]; packages?: string[] }> = {
  domain: { may: [], packages: [] },
  live: { may: ["domain"], packages: ["zod"] },
  client: { may: ["domain", "live"], packages: ["zod"] },
  web: {
    may: ["client", "domain", "live"],
    packages: ["preact", "preact/hooks", "@preact/signals", "zod"],
  },
  conversation: { may: [...CORE, "attachments"] },
  directory: { may: CORE },
  attachments: { may: CORE },
};

/** What clients take their types from: schemas that import nothing of the platform. */
const SCHEMAS = /^rest\/[^/]+\/(answers|bodies)\.ts$/;
/** What is built before the rest: the page, as a module of the Worker. */
const BUILT = "../dist/page.ts";
/** The build hands the page to the Worker in a form that both know. */
const BUILD = ["cli/build.ts", "web/built.ts"];

/** Only these put the transports together with the rest. */
const COMPOSERS = ["app.ts", "index.ts"];
const TRANSPORTS = ["rest", "web", "gateway"];

/** What the gateways share with REST: who a token belongs to, how a conversation is asked, the dialects' shapes. */
const SHARED_BY_TRANSPORTS =
  /^rest\/((auth|body|context|conversations|failure|limiter|live|refusal|schemas)\.ts|(unihub\/presenter|marketplace\/(presenter|schemas))\.ts)$/;
/** Which dialect a protocol's clients speak. */
const SPEAKS: Record<string, string> = { socketio: "marketplace", signalr: "unihub" };

/** How storage is touched, whatever it is called by; an alarm is none of it, nor clearing up behind one. */
const STORAGE = [
  /\bsql\s*\.\s*exec\b/,
  /\.\s*storage\b(?!\.(setAlarm|deleteAll)\()/,
  /\.\s*(prepare|batch)\s*\(/,
];
const BUCKETS_AND_DATABASES = /\b(DB|FILES)\s*\??\.\s*\w+/;
/** Modules of storage that belong to their own layer alone. */
const STORAGE_MODULES = /^(drizzle-orm(\/|$)|directory\/schema\.ts$|conversation\/log\/)/;

/** Between a command's leaving the queue and the broadcast nothing is asynchronous. */
const SYNCHRONOUS = /^conversation\/((commands|committer|draft|send-times)\.ts|(commands|log)\/)/;
const ASYNCHRONOUS = /\b(await|async|Promise)\b|\.\s*(then|catch|finally)\s*\(/;

const layerOf = (path: string) => path.split("/")[0] ?? path;
const dialectOf = (path: string) => {
  const [, dialect, protocol = ""] = /^(?:rest\/([^/]+)|gateway\/([^/]+))\/./.exec(path) ?? [];
  return dialect ?? SPEAKS[protocol];
};

/** The text without comments; what is in quotes stays, slashes and all. */
function withoutComments(text: string): string {
  const tokens =
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/.*|\/\*[\s\S]*?\*\//g;
  return text.replace(tokens, (_, quoted?: string) => quoted ?? "");
}

/** What a file imports: paths under src/, and packages by their name. */
function importsOf(path: string, text: string): string[] {
  const code = withoutComments(text);
  const statements = [
    /^\s*(?:import|export)\b[^;"']*?\bfrom\s*["']([^"']+)["']/gm,
    /^\s*import\s*["']([^"']+)["']/gm,
    /\b(?:import|require)\s*\(\s*["'`]([^"'`]+)["'`]/g,
  ];
  return statements
    .flatMap((statement) => Array.from(code.matchAll(statement), (match) => match[1] ?? ""))
    .map((target) => (target.startsWith(".") ? posix.join(posix.dirname(path), target) : target));
}

/** What is wrong with one file importing another, or a package. */
function wrongImport(path: string, target: string, local: boolean): boolean {
  const [from, to] = [layerOf(path), layerOf(target)];
  if (from === "client" && SCHEMAS.test(target)) return false;
  if (target === BUILT) return path !== "web/serve.ts";
  if (path === BUILD[0] && target === BUILD[1]) return false;
  const layer = LAYERS[from];
  if (layer && local && from !== to && !layer.may.includes(to)) return true;
  if (layer?.packages && !local && !layer.packages.includes(target)) return true;
  // The bindings are typed by the objects' classes.
  if (path === "env.ts" && /^gateway\/[^/]+\/gateway\.ts$/.test(target)) return false;
  const composed = COMPOSERS.includes(path);
  if (from === "gateway" && SHARED_BY_TRANSPORTS.test(target)) {
    return dialectOf(target) !== undefined && dialectOf(target) !== dialectOf(path);
  }
  if (TRANSPORTS.includes(to) && local && from !== to && !composed) return true;
  const dialect = dialectOf(target);
  if (dialect && local && dialect !== dialectOf(path) && !composed) return true;
  return TRANSPORTS.includes(from) && STORAGE_MODULES.test(target);
}

/** Every breach of design.md's dependency rule, one line each. */
function breaches(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([path, text]) => {
    const code = withoutComments(text);
    const found = importsOf(path, text)
      .filter((target) => wrongImport(path, target, target in sources || target.startsWith("..")))
      .map((target) => `${path} imports ${target}`);
    if (layerOf(path) === "rest" || layerOf(path) === "gateway") {
      for (const pattern of [...STORAGE, BUCKETS_AND_DATABASES]) {
        const [touched] = pattern.exec(code) ?? [];
        if (touched) found.push(`${path} touches storage: ${touched}`);
      }
    }
    const [waits] = (SYNCHRONOUS.test(path) && ASYNCHRONOUS.exec(code)) || [];
    if (waits) found.push(`${path} is asynchronous: ${waits}`);
    return found;
  });
}

function sourcesOf(folder: string): Sources {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts") || path.endsWith(".tsx"));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(`${folder}/${path}`, "utf8")]));
}

const sources = sourcesOf(fileURLToPath(new URL("../../src", import.meta.url)));

test("the sources keep the dependency rule", () => {
  expect(breaches(sources)).toEqual([]);
});

test("the rule looks at what is there", () => {
  const paths = Object.keys(sources);
  for (const folder of ["domain", "live", "conversation", "directory", "rest", "web"]) {
    expect(paths.map(layerOf)).toContain(folder);
  }
  expect(paths.filter((path) => SYNCHRONOUS.test(path))).toEqual(
    expect.arrayContaining([
      "conversation/commands.ts",
      "conversation/commands/send.ts",
      "conversation/committer.ts",
      "conversation/draft.ts",
    ]),
  );
  const locals = paths.flatMap((path) => importsOf(path, sources[path] ?? ""));
  expect(locals).toContain("domain/error.ts");
  expect(locals).toContain("cloudflare:workers");
  const missing = locals.filter(
    (target) => target !== BUILT && target.endsWith(".ts") && !(target in sources),
  );
  expect(missing).toEqual([]);
});

describe("a breach is found", () => {
  /** What there is to be imported in the examples. */
  const world: Sources = Object.fromEntries(
    [
      ...["domain/id.ts", "live/frames.ts", "conversation/commands.ts", "directory/schema.ts"],
      ...["conversation/log/reads.ts", "attachments/upload.ts", "env.ts", "logging.ts", "app.ts"],
      ...["rest/auth.ts", "rest/unihub/app.ts", "rest/marketplace/app.ts", "web/page.ts"],
      ...["directory/inbox.ts", "client/socket.ts", "domain/error.ts", "gateway/rooms.ts"],
      ...["gateway/signalr/gateway.ts", "rest/unihub/presenter.ts", "rest/conversations.ts"],
    ].map((path) => [path, ""]),
  );
  const check = (path: string, text: string) => breaches({ ...world, [path]: text });

  test.each([
    ["domain/x.ts", 'import type { Env } from "../env.ts";', "env.ts"],
    ["domain/x.ts", 'import { z } from "zod";', "zod"],
    ["domain/x.ts", 'import { createHash } from "node:crypto";', "node:crypto"],
    ["domain/x.ts", 'export * from "../live/frames.ts";', "live/frames.ts"],
    [
      "live/x.ts",
      'import type { Command } from "../conversation/commands.ts";',
      "conversation/commands.ts",
    ],
    ["live/x.ts", 'import { Hono } from "hono";', "hono"],
    ["client/x.ts", 'const page = await import("../web/page.ts");', "web/page.ts"],
    ["conversation/x.ts", 'import "../rest/auth.ts";', "rest/auth.ts"],
    [
      "conversation/log/x.ts",
      'import {\n  a,\n  b,\n} from "../../rest/unihub/app.ts";',
      "rest/unihub/app.ts",
    ],
    [
      "attachments/x.ts",
      'import { decide } from "../conversation/commands.ts";',
      "conversation/commands.ts",
    ],
    ["conversation/x.ts", 'import { createApp } from "../app.ts";', "app.ts"],
    [
      "directory/x.ts",
      'import { decide } from "../conversation/commands.ts";',
      "conversation/commands.ts",
    ],
    [
      "attachments/x.ts",
      'import { decide } from "../conversation/commands.ts";',
      "conversation/commands.ts",
    ],
    ["env.ts", 'import { auth } from "./rest/auth.ts";', "rest/auth.ts"],
    ["cli/x.ts", 'import { page } from "../web/page.ts";', "web/page.ts"],
    ["rest/x.ts", 'import { page } from "../web/page.ts";', "web/page.ts"],
    ["web/x.ts", 'import { auth } from "../rest/auth.ts";', "rest/auth.ts"],
    ["web/page/x.tsx", 'import "../../conversation/commands.ts";', "conversation/commands.ts"],
    ["web/page/x.tsx", 'import { Hono } from "hono";', "hono"],
    ["web/page/x.tsx", 'import { page } from "../../../dist/page.ts";', "../dist/page.ts"],
    ["rest/x.ts", 'import { page } from "../../dist/page.ts";', "../dist/page.ts"],
    ["rest/x.ts", 'import { sql } from "drizzle-orm";', "drizzle-orm"],
    ["rest/x.ts", 'import { drizzle } from "drizzle-orm/d1";', "drizzle-orm/d1"],
    ["rest/x.ts", 'import { users } from "../directory/schema.ts";', "directory/schema.ts"],
    ["rest/unihub/x.ts", 'import "../../conversation/log/reads.ts";', "conversation/log/reads.ts"],
    ["rest/unihub/x.ts", 'import { app } from "../marketplace/app.ts";', "rest/marketplace/app.ts"],
    ["rest/marketplace/x.ts", 'import { app } from "../unihub/app.ts";', "rest/unihub/app.ts"],
    ["rest/x.ts", 'import { rooms } from "../gateway/rooms.ts";', "gateway/rooms.ts"],
    ["conversation/x.ts", 'import "../gateway/rooms.ts";', "gateway/rooms.ts"],
    ["env.ts", 'import { rooms } from "./gateway/rooms.ts";', "gateway/rooms.ts"],
    ["gateway/x.ts", 'import "../rest/unihub/app.ts";', "rest/unihub/app.ts"],
    ["gateway/x.ts", 'import "../rest/unihub/presenter.ts";', "rest/unihub/presenter.ts"],
    [
      "gateway/socketio/x.ts",
      'import "../../rest/unihub/presenter.ts";',
      "rest/unihub/presenter.ts",
    ],
    ["gateway/socketio/x.ts", 'import "../signalr/gateway.ts";', "gateway/signalr/gateway.ts"],
    ["gateway/x.ts", 'import "../conversation/log/reads.ts";', "conversation/log/reads.ts"],
    ["rest/x.ts", 'import { unihub } from "./unihub/app.ts";', "rest/unihub/app.ts"],
  ])("%s: %s", (path, text, target) => {
    expect(check(path, text)).toEqual([`${path} imports ${target}`]);
  });

  test.each([
    ["rest/x.ts", "ctx.storage.get(key)", "touches storage: .storage"],
    ["rest/x.ts", 'this.sql.exec("SELECT 1")', "touches storage: sql.exec"],
    ["rest/unihub/x.ts", "session.prepare(text)", "touches storage: .prepare("],
    ["rest/unihub/x.ts", "c.env.FILES.put(key, body)", "touches storage: FILES.put"],
    ["rest/x.ts", "c.env.DB.withSession()", "touches storage: DB.withSession"],
    ["conversation/commands.ts", "const x = await y;", "is asynchronous: await"],
    ["conversation/commands/x.ts", "export async function x() {}", "is asynchronous: async"],
    ["conversation/committer.ts", "ready.then(next);", "is asynchronous: .then("],
    ["conversation/draft.ts", "let done: Promise<void>;", "is asynchronous: Promise"],
    ["conversation/log/x.ts", "for await (const row of rows) {}", "is asynchronous: await"],
  ])("%s: %s", (path, text, breach) => {
    expect(check(path, text)).toEqual([`${path} ${breach}`]);
  });

  test.each([
    ["domain/x.ts", 'import { ok } from "./error.ts";'],
    ["domain/x.ts", '// import { z } from "zod";\n/*\nimport "../env.ts";\n*/'],
    ["live/x.ts", 'import { z } from "zod";\nimport { ok } from "../domain/error.ts";'],
    [
      "conversation/x.ts",
      'import { z } from "zod";\nimport { inbox } from "../directory/inbox.ts";',
    ],
    ["conversation/x.ts", 'import { log } from "../logging.ts";\nimport "./log/reads.ts";'],
    ["conversation/x.ts", "const x = await y;"],
    ["conversation/committer.ts", "/** Nothing here may await. */\n// no Promise\nasynchronous();"],
    ["directory/x.ts", 'import { sql } from "drizzle-orm";\nimport { users } from "./schema.ts";'],
    ["rest/unihub/x.ts", 'import { auth } from "../auth.ts";\nimport "./app.ts";\nimport "hono";'],
    ["rest/x.ts", 'directoryOf(c.env.DB);\nconst url = "https://x.test"; const y = /a/.exec(url);'],
    [
      "app.ts",
      'import "./rest/unihub/app.ts";\nimport "./rest/marketplace/app.ts";\nimport "./web/page.ts";',
    ],
    ["index.ts", 'import { createApp } from "./app.ts";'],
    ["web/serve.ts", 'import { page } from "../../dist/page.ts";'],
    ["web/page/x.tsx", 'import { render } from "preact";\nimport "../../client/socket.ts";'],
  ])("and what is none is not: %s: %s", (path, text) => {
    expect(check(path, text)).toEqual([]);
  });
});
