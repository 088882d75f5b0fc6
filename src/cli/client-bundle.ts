/** The code of the package: one file for each entry, with what it needs of zod in it. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { build, type Plugin } from "esbuild";
import { withoutUnused } from "./build.ts";
import { ROOT } from "./settings.ts";

/** What may be in it. */
const INSIDE = /^(?:src\/(?:client|domain|live)|node_modules\/zod)\//;

/**
 * zod compiles schemas where it may, and finds that out by trying: pages with a policy against it would report each
 * attempt. The application's own zod is not touched.
 */
const withoutCompiling: Plugin = {
  name: "without zod's compilation",
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/core\/util\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const probe = /^export const allowsEval = .*?^\}\);$/ms;
      if (!probe.test(text)) throw new Error(`${path} has no allowsEval`);
      return { contents: text.replace(probe, "export const allowsEval = { value: false };") };
    });
  },
};

/** The files by their names. Fails where something else would get into them, or into two of them. */
export async function bundled(entries: readonly string[]): Promise<Map<string, string>> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: entries.map((entry) => `src/${entry}.ts`),
    bundle: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    outdir: "dist/client",
    write: false,
    plugins: [withoutUnused, withoutCompiling],
  });
  const strange = Object.keys(metafile.inputs).filter((path) => !INSIDE.test(path));
  if (strange.length > 0) throw new Error(`not of the client: ${strange.join(", ")}`);
  const parts = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
  // A class that two files have is two classes.
  const shared = parts.filter((path, index) => parts.indexOf(path) !== index);
  if (shared.length > 0) throw new Error(`in two entries: ${shared.join(", ")}`);
  return new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
}
