/**
 * `npm test`: Vitest several times side by side, because by itself it leaves one of two cores idle. What
 * it is passed goes to all.
 */
import { spawn } from "node:child_process";

const PARTS = [
  ["workers", "domain"],
  ["models", "alone"],
  ["system", "abuse"],
];

/** Runs some projects to their end: whether they passed; what they printed comes whole, at the end. */
function run(projects: readonly string[]): Promise<boolean> {
  const chosen = projects.map((project) => `--project=${project}`);
  const args = ["node_modules/vitest/vitest.mjs", "run", "--config", "test/vitest.config.ts"];
  const child = spawn(process.execPath, [...args, ...chosen, ...process.argv.slice(2)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      console.log(output);
      resolve(code === 0);
    });
  });
}

const results = await Promise.all(PARTS.map(run));
process.exit(results.every(Boolean) ? 0 : 1);
