import { execFile } from "node:child_process";
import { rm, symlink } from "node:fs/promises";
import { promisify } from "node:util";
import { ROOT, WRANGLER } from "../../src/cli/settings.ts";
import { bundled } from "../system/production.ts";
import { run, temporaryFolder } from "../system/server.ts";

/** A production bundle of Parley, and the configuration that it is served with. */
export interface Build {
  bundle: string;
  config: string;
}

/** The bundle of the working tree. */
export async function buildOfThis(): Promise<Build> {
  return { bundle: await bundled(), config: `${ROOT}/wrangler.toml` };
}

/**
 * The bundle of another commit, built from its own files with the packages installed here. The
 * files are deleted with the other temporary folders.
 */
export async function buildOf(commit: string): Promise<Build> {
  const folder = await temporaryFolder();
  const archive = `${folder}.tar`;
  try {
    await run("git", "archive", "--output", archive, commit);
    await run("tar", "--extract", "--file", archive, "--directory", folder);
  } finally {
    await rm(archive, { force: true });
  }
  await symlink(`${ROOT}/node_modules`, `${folder}/node_modules`);
  const bundle = `${folder}/dist/worker`;
  // Its own commands build the page, in its folder.
  const command = [WRANGLER, "deploy", "--dry-run", "--outdir", bundle];
  await promisify(execFile)(process.execPath, command, { cwd: folder });
  return { bundle, config: `${folder}/wrangler.toml` };
}

/** The short hash of a commit, which names it in reports. */
export function shortHash(commit: string): Promise<string> {
  return run("git", "rev-parse", "--short", `${commit}^{commit}`);
}
