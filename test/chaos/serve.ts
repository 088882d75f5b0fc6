/**
 * `node serve.ts BUNDLE FOLDER`: the production bundle in Miniflare, without the proxy of
 * `wrangler dev`, keeping its data in a folder. Says where it answers, and runs until it is killed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { developmentSettings, ROOT } from "../../src/cli/settings.ts";

const [bundle = "", folder = ""] = process.argv.slice(2);
const workerOptions: Partial<V4WorkerOptions> = unstable_getMiniflareWorkerOptions(
  `${ROOT}/wrangler.toml`,
).workerOptions;
const esModule = (path: string, file: string) => ({
  type: "ESModule" as const,
  path,
  contents: readFileSync(file, "utf8"),
});
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: 0,
    resourcePersistencePath: folder,
    workers: [
      {
        ...workerOptions,
        name: "parley",
        compatibilityFlags: [...(workerOptions.compatibilityFlags ?? []), "unsafe_module"],
        modulesRoot: "/",
        modules: [
          esModule("/worker.mjs", `${ROOT}/test/chaos/worker.mjs`),
          esModule("/index.js", `${bundle}/index.js`),
          // What wrangler.toml has as text lies beside the bundle.
          ...readdirSync(bundle)
            .filter((name) => name.endsWith(".min.js"))
            .map((name) => ({
              type: "Text" as const,
              path: `/${name}`,
              contents: readFileSync(`${bundle}/${name}`, "utf8"),
            })),
        ],
        bindings: {
          ...workerOptions.bindings,
          ...developmentSettings(),
          REQUEST_LIMITS: "off",
          MESSAGES_PER_MINUTE_UNIHUB: "1000000",
        },
      },
    ],
  }),
);
const address = await miniflare.ready;
const database = await miniflare.getD1Database("DB", "parley");
const { tables } = (await database
  .prepare("SELECT count(*) AS tables FROM sqlite_master WHERE name = 'conversations'")
  .first<{ tables: number }>()) ?? { tables: 0 };
if (tables === 0) {
  for (const file of readdirSync(`${ROOT}/migrations`).filter((name) => name.endsWith(".sql"))) {
    const steps = readFileSync(`${ROOT}/migrations/${file}`, "utf8").split(
      "--> statement-breakpoint",
    );
    await database.batch(steps.map((step) => database.prepare(step)));
  }
}
console.log(`serving at ${address.origin} .`);
