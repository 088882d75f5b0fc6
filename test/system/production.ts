import { WRANGLER } from "../../src/cli/settings.ts";
import { Program, run, type Server, temporaryFolder } from "./server.ts";

/** The bundle of this run's other processes: test/run.ts builds it once for all of them. */
const BUILT = process.env["PARLEY_BUNDLE"];

/** What a configuration would deploy, in a new folder. */
export async function bundled(config = "wrangler.toml"): Promise<string> {
  if (BUILT && config === "wrangler.toml") return BUILT;
  const folder = await temporaryFolder();
  await buildBundle(folder, config);
  return folder;
}

/** Writes into a folder what would be deployed by a configuration. */
export async function buildBundle(folder: string, config = "wrangler.toml"): Promise<void> {
  const command = ["deploy", "--dry-run", "--config", config, "--outdir", folder];
  await run(process.execPath, WRANGLER, ...command);
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

/** Starts the bundle over a folder with its data, and waits until it is up. */
export async function startProduction(folder: string, ...options: string[]): Promise<Server> {
  const program = serve(await bundled(), folder, options);
  return { program, address: await addressOf(program) };
}
