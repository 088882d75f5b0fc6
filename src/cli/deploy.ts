/**
 * `npm run deploy [-- any option of wrangler deploy]`: migrates the remote D1, then deploys the
 * Worker. Migrations come first: they only add, so that the running Worker keeps working. With
 * `--dry-run` nothing remote is touched; `--env` names the environment of both.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ROOT, WRANGLER } from "./settings.ts";

/** The placeholder in wrangler.toml until `wrangler d1 create` has given an id. */
const NO_DATABASE = "00000000-0000-0000-0000-000000000000";

const config = readFileSync(`${ROOT}/wrangler.toml`, "utf8");
const options = process.argv.slice(2);
const isPublic =
  /^PUBLIC_URL = "(?!")/m.test(config) || options.some((one) => one.includes("PUBLIC_URL:"));
const missing = [
  ...(config.includes(NO_DATABASE) ? ["wrangler.toml names no database yet"] : []),
  // Without it the Worker would refuse every request.
  ...(isPublic ? [] : ["wrangler.toml has no PUBLIC_URL yet"]),
];
if (missing.length > 0) {
  for (const what of missing) console.error(`${what}: see docs/operations.md, Setting up.`);
  process.exit(1);
}
const { values } = parseArgs({
  args: options,
  strict: false,
  options: { env: { type: "string", short: "e" }, "dry-run": { type: "boolean" } },
});
const environment = typeof values.env === "string" ? ["--env", values.env] : [];
if (!values["dry-run"]) wrangler("d1", "migrations", "apply", "DB", "--remote", ...environment);
wrangler("deploy", ...options);

/** Runs wrangler in this terminal; ends the program when it fails. */
function wrangler(...args: string[]): void {
  const { status } = spawnSync(process.execPath, [WRANGLER, ...args], {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}
