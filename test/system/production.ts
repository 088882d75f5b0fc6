import { ROOT } from "../../src/cli/settings.ts";
import { Program, run, temporaryFolder } from "./server.ts";

/** What would be deployed by a configuration, in a folder of its own. */
export async function bundled(config = "wrangler.toml"): Promise<string> {
  const folder = await temporaryFolder();
  const wrangler = `${ROOT}/node_modules/wrangler/bin/wrangler.js`;
  await run(
    process.execPath,
    wrangler,
    "deploy",
    "--dry-run",
    "--config",
    config,
    "--outdir",
    folder,
  );
  return folder;
}

/** Serves a bundle without the proxy of `wrangler dev`; `options` are those of serve.ts. */
export function serve(bundle: string, folder: string, options: readonly string[]): Program {
  return new Program(process.execPath, ["test/system/serve.ts", bundle, folder, ...options]);
}

/** Where a served bundle answers, once it does: `http://127.0.0.1:1234`. */
export async function addressOf(program: Program): Promise<string> {
  const [, address = ""] = await program.says(/serving at (http:\S+) \./);
  return address;
}
