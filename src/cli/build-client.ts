/**
 * `npm run build:client [-- --report] [-- --out FOLDER]`: the package `parley-chat-client`, from src/client/ into
 * dist/client or another folder, as `npm pack` takes it; with `--report` writes docs/client-api.md too.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { bundled } from "./client-bundle.ts";
import { declarations } from "./client-declarations.ts";
import { reachable } from "./client-reachable.ts";
import { report } from "./client-report.ts";
import { misused } from "./exit.ts";
import { ROOT } from "./settings.ts";

export const REPORT = `${ROOT}/docs/client-api.md`;

/** What can be imported, and the file in src/ that it is. */
const ENTRIES = { ".": "client/index", "./admin": "client/admin" };
const FILES = Object.values(ENTRIES);

/** The files of the package by their paths in it, and the report. */
export async function clientPackage(): Promise<{ files: Map<string, string>; report: string }> {
  const types = reachable(await declarations(), FILES);
  const text = (path: string) => readFile(`${ROOT}/${path}`, "utf8");
  const license = await text("LICENSE");
  const files = new Map([
    ...(await bundled(FILES)),
    ...[...types].map(([file, code]) => [`types/${file}.d.ts`, code] as const),
    [
      "package.json",
      `${JSON.stringify(manifest(JSON.parse(await text("package.json"))), null, 2)}\n`,
    ],
    ["README.md", await text("src/client/README.md")],
    [
      "LICENSE",
      `${license}\nParts of zod are included:\n\n${await text("node_modules/zod/LICENSE")}`,
    ],
  ]);
  return { files, report: report(types, FILES) };
}

function manifest({ version, license }: { version: string; license: string }) {
  const exports = Object.entries(ENTRIES).map(([name, file]) => [
    name,
    { types: `./types/${file}.d.ts`, default: `./${file.replace("client/", "")}.js` },
  ]);
  return {
    name: "parley-chat-client",
    version,
    description: "The client of Parley, a chat backend for your own application.",
    license,
    type: "module",
    engines: { node: ">=22" },
    sideEffects: false,
    exports: { ...Object.fromEntries(exports), "./package.json": "./package.json" },
    types: `./types/${ENTRIES["."]}.d.ts`,
  };
}

/** Writes the package into a folder, in place of what is there. */
async function write(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  for (const [path, text] of files) {
    await mkdir(dirname(`${folder}/${path}`), { recursive: true });
    await writeFile(`${folder}/${path}`, text);
  }
}

function commandLine(): { report: boolean; out: string } {
  try {
    const { values } = parseArgs({
      options: {
        report: { type: "boolean", default: false },
        out: { type: "string", default: `${ROOT}/dist/client` },
      },
    });
    return values;
  } catch (error) {
    misused(error, "npm run build:client [-- --report] [-- --out FOLDER]");
  }
}

if (import.meta.main) {
  const { report, out } = commandLine();
  const built = await clientPackage();
  await write(resolve(out), built.files);
  if (report) await writeFile(REPORT, built.report);
}
