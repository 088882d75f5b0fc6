/**
 * `npm run deploy [-- any option of wrangler deploy]`: brings the production D1 up to date, then puts
 * the Worker out. Migrations come first: they add, so that the Worker that is still running goes on.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { ROOT, WRANGLER } from "./settings.ts";

/** What wrangler.toml holds until `wrangler d1 create` has given an id. */
const NO_DATABASE = "00000000-0000-0000-0000-000000000000";

if (readFileSync(`${ROOT}/wrangler.toml`, "utf8").includes(NO_DATABASE)) {
  console.error("wrangler.toml names no database yet: see docs/operations.md, Setting up.");
  process.exit(1);
}
wrangler("d1", "migrations", "apply", "DB", "--remote");
wrangler("deploy", ...process.argv.slice(2));

/** Runs wrangler in this terminal; ends the program when it fails. */
function wrangler(...args: string[]): void {
  const { status } = spawnSync(process.execPath, [WRANGLER, ...args], {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}
