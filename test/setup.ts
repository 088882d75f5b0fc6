import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach } from "vitest";

await applyD1Migrations(env.DB, env.MIGRATIONS);

/**
 * What was logged is kept, and shown where a test fails. By itself Vitest would ask its main process to
 * show it; asked from within an object at the end of a file, that is never answered, and the run never
 * ends (cloudflare/workers-sdk#15719).
 */
const shared = globalThis as { logOfVitest?: typeof console.log };
// Files that share a runtime share its console; it is never given back, for objects outlive a file's end.
shared.logOfVitest ??= console.log;
const show = shared.logOfVitest;
const kept: unknown[][] = [];
console.log = (...line) => void kept.push(line);

afterEach(({ task }) => {
  if (task.result?.state === "fail") for (const line of kept) show(...line);
  kept.length = 0;
});
