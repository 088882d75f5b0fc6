/**
 * `npm test`: the check, and Vitest several times, side by side, because one of them leaves one of two
 * cores idle. Vitest is passed what this is passed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPage } from "../src/cli/build.ts";
import { ROOT } from "../src/cli/settings.ts";
import { keepDataInMemory } from "./memory.ts";
import { buildBundle } from "./system/production.ts";

/** Projects of Vitest by the process that runs them, each about as long as the others. */
const PARTS = [
  ["workers", "domain"],
  ["objects"],
  ["inboxes"],
  ["models"],
  ["alone"],
  ["erasures"],
];
/** Those that are served the bundle, and what goes with them. */
const BUNDLED = ["system", "abuse"];

keepDataInMemory();

/** What all processes share: compiled JavaScript of the tools, and what is built once for them. */
const env: NodeJS.ProcessEnv = {
  ...process.env,
  NODE_COMPILE_CACHE: `${ROOT}/node_modules/.cache/compiled`,
};
const running = new Set<ChildProcess>();

/** Runs a command to its end: whether it succeeded; what it printed comes whole, at the end. */
function run(command: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(command, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      running.delete(child);
      if (output) console.log(output);
      resolve(code === 0);
    });
  });
}

function vitest(projects: readonly string[]): Promise<boolean> {
  const chosen = projects.map((project) => `--project=${project}`);
  const args = ["node_modules/vitest/vitest.mjs", "run", "--config", "test/vitest.config.ts"];
  return run(process.execPath, [...args, ...chosen, ...process.argv.slice(2)]);
}

/** Types and lint: where they are wrong nothing else is waited for. */
async function check(): Promise<boolean> {
  const right = await run("npm", ["run", "-s", "check"]);
  if (!right) for (const child of running) child.kill();
  return right;
}

/** Builds what would be deployed, once, and runs those that are served it. */
async function bundled(folder: string): Promise<boolean> {
  await buildBundle(folder);
  env["PARLEY_BUNDLE"] = folder;
  return vitest(BUNDLED);
}

const bundle = await mkdtemp(join(tmpdir(), "parley-bundle-"));
try {
  await buildPage();
  env["PARLEY_PAGE"] = "built";
  const results = await Promise.all([...PARTS.map(vitest), bundled(bundle), check()]);
  process.exitCode = results.every(Boolean) ? 0 : 1;
} finally {
  await rm(bundle, { recursive: true, force: true });
}
