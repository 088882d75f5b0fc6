/**
 * `node serve.ts BUNDLE FOLDER [--port PORT] [--config FILE] [--wrapper FILE] [--var NAME:value]…
 * [--inspector-port PORT]`: a bundle, as it would be deployed, in Miniflare, without the proxy of `wrangler dev`, keeping its data in a folder.
 * A wrapper is a module that imports the bundle as `./index.js` and stands in its place. Says where it
 * answers, and runs until it is killed.
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from "miniflare";
import { developmentSettings, ROOT } from "../../src/cli/settings.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: "string", default: "0" },
    config: { type: "string", default: "wrangler.toml" },
    wrapper: { type: "string" },
    "inspector-port": { type: "string" },
    var: { type: "string", multiple: true, default: [] },
  },
});
const [bundle = "", folder = ""] = positionals;
// What a kill leaves of Miniflare's own goes with the folder.
process.env["TMPDIR"] = folder;
const config = resolve(ROOT, values.config);
const workerOptions = await optionsOf(config);
const esModule = (path: string, file: string) => ({
  type: "ESModule" as const,
  path,
  contents: readFileSync(file, "utf8"),
});
const files = readdirSync(bundle);
// What wrangler.toml has as text lies beside the script.
const texts = files.filter((name) => name.endsWith(".min.js"));
const script = files.find((name) => name.endsWith(".js") && !texts.includes(name));
const main = esModule("/index.js", `${bundle}/${script}`);
const beside = texts.map((name) => ({
  type: "Text" as const,
  path: `/${name}`,
  contents: readFileSync(`${bundle}/${name}`, "utf8"),
}));
const wrapper = values.wrapper && esModule("/wrapper.mjs", resolve(ROOT, values.wrapper));
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    ...(values["inspector-port"] && { inspectorPort: Number(values["inspector-port"]) }),
    port: Number(values.port),
    resourcePersistencePath: folder,
    workers: [
      {
        ...workerOptions,
        name: "served",
        compatibilityFlags: [...(workerOptions.compatibilityFlags ?? []), "unsafe_module"],
        modulesRoot: "/",
        modules: [...(wrapper ? [wrapper] : []), main, ...beside],
        bindings: {
          ...workerOptions.bindings,
          ...developmentSettings(),
          ...Object.fromEntries(values.var.map((one) => one.split(/:(.*)/s).slice(0, 2))),
        },
      },
    ],
  }),
);
const address = await miniflare.ready;
const migrations = `${dirname(config)}/migrations`;
if (existsSync(migrations)) await migrate();
console.log(`serving at ${address.origin} .`);

/** What a configuration says, kept beside the bundle: loading wrangler takes over a second. */
async function optionsOf(config: string): Promise<Partial<V4WorkerOptions>> {
  const kept = `${bundle}/options.json`;
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, "utf8"));
  const { unstable_getMiniflareWorkerOptions } = await import("wrangler");
  const { workerOptions } = unstable_getMiniflareWorkerOptions(config);
  // Several may start at once: none reads half a file.
  writeFileSync(`${kept}.${process.pid}`, JSON.stringify(workerOptions));
  renameSync(`${kept}.${process.pid}`, kept);
  return workerOptions;
}

/** Brings a new database up to date. */
async function migrate(): Promise<void> {
  const database = await miniflare.getD1Database("DB", "served");
  const { tables } = (await database
    .prepare("SELECT count(*) AS tables FROM sqlite_master WHERE name = 'conversations'")
    .first<{ tables: number }>()) ?? { tables: 0 };
  if (tables > 0) return;
  const files = readdirSync(migrations).filter((name) => name.endsWith(".sql"));
  for (const file of files) {
    const steps = readFileSync(`${migrations}/${file}`, "utf8").split("--> statement-breakpoint");
    await database.batch(steps.map((step) => database.prepare(step)));
  }
  // As wrangler notes them.
  await database.batch([
    database.prepare(
      "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE)",
    ),
    ...files.map((name) =>
      database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ),
  ]);
}
