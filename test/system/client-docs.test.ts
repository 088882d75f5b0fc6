import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../../src/cli/settings.ts";
import { startProduction } from "./production.ts";
import { cleanUp, Program, type Server, temporaryFolder } from "./server.ts";

/** Runs the examples of docs/client.md as one program, and compares their output with the page. */

let server: Server;

beforeAll(async () => {
  server = await startProduction(await temporaryFolder());
});
afterAll(cleanUp);

test("the examples print the documented output", async () => {
  const page = await readFile(`${ROOT}/docs/client.md`, "utf8");
  const code = blocks(page, "ts").replace("http://localhost:8787", server.address);
  const program = join(await temporaryFolder(), "examples.mts");
  await writeFile(program, code.replaceAll("../src/", `${ROOT}/src/`));
  const run = new Program(process.execPath, [program]);
  expect(await run.ended, run.output).toBe(0);
  expect(run.output).toBe(blocks(page, "text"));
});

function blocks(page: string, language: string): string {
  const found = page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"));
  return [...found].map(([, text]) => text).join("");
}
