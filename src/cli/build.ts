/**
 * `npm run build`: bundles the chat page into dist/page.ts, a module of the Worker. Everything that
 * needs it (`wrangler dev` and `deploy`, the tests, the type check) builds it first, so that a
 * fresh clone needs no separate step.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import type { BuiltPage } from "../web/built.ts";
import { ROOT } from "./settings.ts";

const SOURCES = `${ROOT}/src/web/page`;
const OUTPUT = `${ROOT}/dist/page.ts`;
const TYPES: Record<string, string> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** Builds the page. An unchanged output is not rewritten, so that watchers see no change. */
export async function buildPage(): Promise<void> {
  const page = await bundled();
  const type = `import(${JSON.stringify("../src/web/built.ts")}).BuiltPage`;
  const text = `// Written by src/cli/build.ts.
export const page: ${type} = ${JSON.stringify(page, undefined, 2)};
`;
  const before = await readFile(OUTPUT, "utf8").catch(() => undefined);
  if (before === text) return;
  await mkdir(`${ROOT}/dist`, { recursive: true });
  // Several processes may build at once: the output is replaced atomically.
  const unfinished = `${OUTPUT}.${process.pid}`;
  await writeFile(unfinished, text);
  await rename(unfinished, OUTPUT);
}

/**
 * zod's schemas can convert themselves to JSON Schema, explain in English what is wrong, and check strings for
 * addresses and keys of many kinds. A bundler cannot see that neither the page nor the client ever asks for any of
 * it: a seventh of the page's size. This plugin removes that: a bundle that needs it after all would not start.
 */
export const withoutUnused: Plugin = {
  name: "without what the client does not use of zod",
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/en\.js$/ }, () => ({
      contents: "export default () => ({});",
    }));
    onLoad({ filter: /zod\/v4\/classic\/schemas\.js$/ }, async (file) => {
      const text = await readFile(file.path, "utf8");
      const format =
        /^ {4}\w+\(params\) \{\s+return this\.check\(core\._\w+\(Zod\w+, params\)\);\s+\},$/gm;
      return { contents: text.replace(format, "") };
    });
    onLoad(
      { filter: /zod\/v4\/core\/(to-json-schema|json-schema-processors)\.js$/ },
      async (file) => {
        const text = await readFile(file.path, "utf8");
        const names = [...text.matchAll(/^export (?:const|function|class) (\w+)/gm)];
        return { contents: names.map(([, name]) => `export const ${name} = () => {};`).join("\n") };
      },
    );
  },
};

const OPTIONS = {
  bundle: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  minify: true,
  outdir: OUTPUT,
  target: "es2022",
  write: false,
} satisfies BuildOptions;

async function bundled(): Promise<BuiltPage> {
  const { outputFiles } = await build({
    ...OPTIONS,
    entryPoints: ["development.tsx", "production.tsx", "page.css", "icon.svg"].map(
      (name) => `${SOURCES}/${name}`,
    ),
    ...{ splitting: true, format: "esm", jsx: "automatic", jsxImportSource: "preact" },
    plugins: [withoutUnused],
    // A file that is loaded later keeps its name; the others are called "chunk".
    ...{ loader: { ".svg": "copy" }, entryNames: "[name]-[hash]", chunkNames: "[name]-[hash]" },
  });
  const files = Object.fromEntries(
    outputFiles
      .map(({ path, text }) => ({ name: basename(path), text }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, text }) => [name, { type: TYPES[name.split(".").at(-1) ?? ""] ?? "", text }]),
  );
  const named = (beginning: string) => {
    const [name, ...more] = Object.keys(files).filter((file) => file.startsWith(`${beginning}-`));
    if (!name || more.length > 0) throw new Error(`not one ${beginning} file: ${name} ${more}`);
    return name;
  };
  return {
    files,
    entries: { development: named("development"), production: named("production") },
    shared: Object.keys(files).filter((name) => name.startsWith("chunk-")),
    stylesheet: named("page"),
    icon: named("icon"),
    serviceWorker: await bundledWorker(),
  };
}

async function bundledWorker(): Promise<string> {
  const { outputFiles } = await build({
    ...OPTIONS,
    entryPoints: [`${SOURCES}/worker/service-worker.ts`],
    format: "iife",
  });
  const [script] = outputFiles;
  if (!script) throw new Error("no service worker");
  return script.text;
}

if (import.meta.main) await buildPage();
