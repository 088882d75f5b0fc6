import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach } from "vitest";

await applyD1Migrations(env.DB, env.MIGRATIONS);

/**
 * Log lines are kept, and printed when a test fails. Otherwise Vitest would print them in its main
 * process; a call to it from within an object at the end of a file is never answered, and the run
 * never ends (cloudflare/workers-sdk#15719).
 */
const shared = globalThis as { logOfVitest?: typeof console.log };
// Files that share a runtime share its console; it is never restored, because objects outlive a
// file's end.
shared.logOfVitest ??= console.log;
const show = shared.logOfVitest;
const kept: unknown[][] = [];
console.log = (...line) => void kept.push(line);

afterEach(({ task }) => {
  if (task.result?.state === "fail") for (const line of kept) show(...line);
  kept.length = 0;
});
