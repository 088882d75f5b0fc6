import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { addressOf, bundled, serve } from "../system/production.ts";
import { type Program, temporaryFolder } from "../system/server.ts";
import type { Network } from "./proxy.ts";

/** The server under test: the production bundle, killed and restarted with the same data. */
export class ChaosServer {
  kills = 0;
  private readonly bundle: string;
  private readonly folder: string;
  private readonly network: Network;
  private readonly vapidKey: string;
  private program: Program | undefined;

  private constructor(bundle: string, folder: string, network: Network, vapidKey: string) {
    this.bundle = bundle;
    this.folder = folder;
    this.network = network;
    this.vapidKey = vapidKey;
  }

  /** Builds the production bundle, and serves it to a network. */
  static async start(network: Network): Promise<ChaosServer> {
    const bundle = await bundled();
    const { stdout } = await promisify(execFile)(process.execPath, ["src/cli/vapid.ts"]);
    const server = new ChaosServer(bundle, await temporaryFolder(), network, stdout.trim());
    await server.serve();
    return server;
  }

  /** Kills the server at an arbitrary moment, and starts it again. */
  async restart(): Promise<void> {
    this.network.target = undefined;
    await this.program?.kill();
    this.kills++;
    await this.serve();
  }

  /**
   * Calls a test endpoint of worker.mjs; false if it failed because the server was killed, or an
   * object was too busy to be evicted.
   */
  async call(path: string): Promise<boolean> {
    const { target } = this.network;
    if (target === undefined) return false;
    const within = { signal: AbortSignal.timeout(2_000) };
    const url = `http://127.0.0.1:${target}/chaos/${path}`;
    try {
      const answer = await fetch(url, within);
      return (await answer.text()) === "done\n";
    } catch {
      return false;
    }
  }

  /** The errors that it has logged since it was last started. */
  bugs(): string[] {
    const lines = this.program?.output.split("\n") ?? [];
    return lines.filter((line) => /"event":"(command|commit|frame|files)_failed"/.test(line));
  }

  private async serve(): Promise<void> {
    this.program = serve(this.bundle, this.folder, [
      "--wrapper=test/chaos/worker.mjs",
      "--var=REQUEST_LIMITS:off",
      `--var=VAPID_PRIVATE_KEY:${this.vapidKey}`,
      "--var=VAPID_SUBJECT:mailto:chaos@parley.test",
      "--var=PUSH_HOSTS:http://127.0.0.1",
      "--var=MESSAGES_PER_MINUTE_UNIHUB:1000000",
    ]);
    this.network.target = Number(new URL(await addressOf(this.program)).port);
  }
}
