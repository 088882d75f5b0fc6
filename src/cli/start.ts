/**
 * `npm start [-- any option of wrangler dev]`: migrates the local D1, starts the server, and prints
 * what to try next once it answers.
 */
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { ROOT, WRANGLER } from "./settings.ts";

const args = process.argv.slice(2);
const { values } = parseArgs({
  args,
  strict: false,
  options: { "persist-to": { type: "string" }, port: { type: "string" } },
});
const persist = typeof values["persist-to"] === "string" ? values["persist-to"] : undefined;
// Without this, wrangler takes another port when this one is in use, and shares its data with the
// server there.
const port = values["port"] === undefined ? ["--port", "8787"] : [];
const env = {
  ...process.env,
  WRANGLER_SEND_METRICS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
};

const migrated = spawnSync(
  process.execPath,
  [
    WRANGLER,
    ...["d1", "migrations", "apply", "DB", "--local"],
    ...(persist ? ["--persist-to", persist] : []),
  ],
  { cwd: ROOT, env: { ...env, CI: "true" }, encoding: "utf8" },
);
if (migrated.status !== 0) {
  console.error(migrated.stdout, migrated.stderr);
  process.exit(migrated.status ?? 1);
}

const server = spawn(
  process.execPath,
  [WRANGLER, "dev", "--env-file", ".env.development", ...port, ...args],
  { cwd: ROOT, env, stdio: ["inherit", "pipe", "inherit"] },
);
let isPrinted = false;
server.stdout.pipe(process.stdout);
createInterface({ input: server.stdout }).on("line", (line) => {
  const address = /Ready on (https?:\/\/\S+)/.exec(line)?.[1];
  if (address && !isPrinted) {
    isPrinted = true;
    console.log(hints(address));
  }
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => server.kill(signal));
// Not "exit": the last output may not have arrived by then.
server.on("close", (code) => {
  process.exitCode = code ?? 1;
});

function hints(address: string): string {
  return `
Parley is up at ${address}. Open it in a browser, or in another terminal:

  ALICE=$(npm run -s token -- alice)
  curl ${address}/api/v1/chat/conversations -H "Authorization: Bearer $ALICE"

README.md continues with a conversation between two people.
`;
}
