import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { V4WorkerOptions } from "miniflare";
import { afterAll, expect, test } from "vitest";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { WebSocket } from "ws";
import { ROOT } from "../../src/cli/settings.ts";
import { cleanUp, freePort, Program, temporaryFolder } from "./server.ts";

/**
 * Compressed frames would let a client that sends few bytes use much memory: 316 KB on the wire
 * were 31 MiB. Miniflare and `wrangler dev` put another Worker in front, which compresses
 * whatever our flags are, so the flags of wrangler.toml are tested on the runtime itself.
 */

afterAll(cleanUp);

const OFF = "no_web_socket_compression";
const WORKER = `export default { fetch() {
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  return new Response(null, { status: 101, webSocket: client });
} };`;

/** The path of the runtime that wrangler runs. */
function workerd(): string {
  const wrangler = createRequire(`${ROOT}/node_modules/wrangler/package.json`);
  return createRequire(wrangler.resolve("miniflare"))("workerd").default;
}

/** The extensions that the runtime accepts from a client that offers compression. */
async function extensionsWith(date: string, flags: readonly string[]): Promise<string | undefined> {
  const folder = await temporaryFolder();
  const port = await freePort();
  await writeFile(join(folder, "worker.js"), WORKER);
  await writeFile(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "worker.js", esModule = embed "worker.js")],
    compatibilityDate = "${date}", compatibilityFlags = ${JSON.stringify(flags)}))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]);`,
  );
  const runtime = new Program(workerd(), ["serve", join(folder, "config.capnp"), "--verbose"]);
  try {
    return await retried(() => handshake(port));
  } finally {
    await runtime.kill();
  }
}

function handshake(port: number): Promise<string | undefined> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: true });
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("upgrade", ({ headers }) => {
      resolve(headers["sec-websocket-extensions"]);
      socket.terminate();
    });
  });
}

/** The runtime prints nothing when it is ready, so the request is retried. */
async function retried<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 1_000) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

test("compression is not accepted, because of our compatibility flag", async () => {
  const config = `${ROOT}/wrangler.toml`;
  const options: Partial<V4WorkerOptions> =
    unstable_getMiniflareWorkerOptions(config).workerOptions;
  const { compatibilityDate = "", compatibilityFlags = [] } = options;
  expect(await readFile(config, "utf8")).toContain(OFF);
  expect(await extensionsWith(compatibilityDate, compatibilityFlags)).toBeUndefined();
  const others = compatibilityFlags.filter((flag) => flag !== OFF);
  expect(await extensionsWith(compatibilityDate, others)).toContain("permessage-deflate");
});
