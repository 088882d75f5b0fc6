import { createECDH } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  cleanUp,
  freePort,
  Program,
  run,
  startCommand,
  temporaryFolder,
  tokenFor,
  up,
} from "./server.ts";

/** The commands of `src/cli/`, and a server with invalid settings. */

const WRANGLER = "node_modules/wrangler/bin/wrangler.js";

afterAll(cleanUp);

/** Whose database is up to date after the first test: the others need not wait for that. */
let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});

describe("npm start", () => {
  test("hands options on: a port, and a variable that makes the secrets unfit", async () => {
    const port = await freePort();
    const options = ["--port", String(port), "--persist-to", folder];
    const program = startCommand("--var", "ENVIRONMENT:production", ...options);
    const { address } = await up(program);
    expect(address).toBe(`http://localhost:${port}`);
    await expectMisconfigured(address);
    await program.says(/development secrets are in use/);
    await program.kill();
  });
});

describe.concurrent("npm start", () => {
  test("fails when its port is taken: the README's lines name it", async () => {
    const other = createServer().listen(8787, "localhost");
    // Another process may use it already, which is sufficient.
    await Promise.race([once(other, "listening"), once(other, "error").catch(() => undefined)]);
    const program = startCommand("--persist-to", folder);
    expect(await program.ended).toBe(1);
    expect(program.output).toContain("Address already in use (localhost:8787)");
    other.close();
  });

  test("fails as the server does when an option is wrong", async () => {
    const program = startCommand("--nonsense", "--persist-to", folder);
    expect(await program.ended).toBe(1);
    expect(program.output).toMatch(/Unknown argument: nonsense/);
    expect(program.output).not.toContain("is up at");
  });
});

describe.concurrent("a server without secrets", () => {
  test("answers every request with misconfigured", async () => {
    const options = ["dev", "--port", "0", "--persist-to", await temporaryFolder()];
    const program = new Program(process.execPath, [WRANGLER, ...options]);
    const [, address = ""] = await program.says(/Ready on (http:\S+)/);
    await expectMisconfigured(address);
    await program.says(/ID_SECRET/);
  });
});

describe("npm run token", () => {
  test("prints a token with the requested claims", async () => {
    const asked = ["alice", "--role", "admin", "--name", "Alice"];
    const claims = decodeJwt(await run("npm", "run", "-s", "token", "--", ...asked));
    expect(claims).toEqual({
      sub: "alice",
      role: "admin",
      name: "Alice",
      iat: expect.any(Number),
      exp: (claims.iat ?? 0) + 12 * 3_600,
    });
    const { exp = 0, iat = 0, ...rest } = decodeJwt(await tokenFor("bob", "--hours", "0.5"));
    expect(exp - iat).toBe(1_800);
    expect(rest).toEqual({ sub: "bob" });
  });

  test("prints its usage on --help", async () => {
    expect(await tokenFor("--help")).toMatch(/^usage: npm run token/);
  });

  test.for(["", "alice bob", "alice --hours soon", "alice --rule admin", "alice --role amdin"])(
    "fails and prints its usage, given '%s'",
    async (asked) => {
      await expect(tokenFor(...asked.split(" ").filter(Boolean))).rejects.toMatchObject({
        code: 2,
        stderr: expect.stringContaining("usage: npm run token"),
      });
    },
  );
});

describe("npm run vapid", () => {
  const asked = (...args: string[]) => run("npm", "run", "-s", "vapid", "--", ...args);

  test("prints a new private key, and nothing else", async () => {
    const printed = [await asked(), await asked()];
    expect(printed[0]).not.toBe(printed[1]);
    for (const line of printed) {
      expect(line).toMatch(/^[\w-]{43}$/);
      const key = createECDH("prime256v1");
      key.setPrivateKey(line, "base64url");
      expect(key.getPublicKey().length).toBe(65);
    }
  });

  test("prints its usage on --help, and for an unknown option", async () => {
    expect(await asked("--help")).toMatch(/^usage: npm run -s vapid/);
    await expect(asked("--public")).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("usage: npm run -s vapid"),
    });
  });
});

describe.concurrent("commands that call a server", () => {
  const asked = (command: string, ...args: string[]) =>
    run("env", "PARLEY_TOKEN=ours", process.execPath, `src/cli/${command}.ts`, ...args);

  test.each(["postman", "rebuild"])(
    "%s: an unreachable server is reported in one sentence",
    async (command) => {
      const address = `http://localhost:${await freePort()}`;
      await expect(asked(command, address)).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(new RegExp(`^Nobody answers at ${address}.*\\.\n$`)),
      });
    },
  );

  test.each(["postman", "rebuild"])(
    "%s: for an invalid address, the usage is printed",
    async (command) => {
      for (const args of [["localhost:8787"], ["http://localhost:1", "http://localhost:2"]]) {
        await expect(asked(command, ...args)).rejects.toMatchObject({
          code: 2,
          stderr: expect.stringMatching(
            new RegExp(`^.*address of .*\nusage: .*npm run ${command}`),
          ),
        });
      }
    },
  );
});

async function expectMisconfigured(address: string): Promise<void> {
  for (const path of ["/healthz", "/api/v1/chat/conversations", "/live/x", "/nothing"]) {
    const response = await fetch(address + path);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "misconfigured" });
  }
}
