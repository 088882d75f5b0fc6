import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../src/cli/settings.ts";

/** Servers and other programs as a newcomer starts them: real processes on real ports and disks. */

/** What a program may take to say what is waited for, on a busy machine. */
const PATIENCE_MS = 60_000;

const running = new Set<Program>();
const folders = new Set<string>();

/** A program in its own process group, so that everything it starts ends with it. */
export class Program {
  /** What it has written so far, to stdout and stderr. */
  output = "";
  /** Resolves once it has ended and all its output has been read: its exit code, `null` when killed. */
  readonly ended: Promise<number | null>;
  private readonly child: ChildProcess;
  private waiting: (() => void)[] = [];
  private gone = false;

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(process.execPath, ["test/system/process-group.ts", command, ...args], {
      cwd: ROOT,
      detached: true,
      stdio: ["pipe", "pipe", "pipe", "ipc"],
    });
    running.add(this);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        this.wake();
      });
    }
    this.ended = new Promise((resolve, reject) => {
      this.child.on("error", reject);
      this.child.on("close", (code) => {
        this.gone = true;
        this.wake();
        resolve(code);
      });
    });
  }

  /** Resolves once the output fits; rejects, with the output, if it does not in time or never will. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    deadline.addEventListener("abort", () => this.wake());
    for (;;) {
      const match = pattern.exec(this.output);
      if (match) return match;
      if (this.gone || deadline.aborted) {
        throw new Error(`${this.gone ? "ended" : "waited"} without ${pattern}:\n${this.output}`);
      }
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** The process group that it and everything it starts belong to. */
  get group(): number {
    if (this.child.pid === undefined) throw new Error("not started");
    return this.child.pid;
  }

  /** Writes a line to its stdin, which stays open. */
  type(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** Ends its stdin, as Ctrl+D does. */
  hangUp(): void {
    this.child.stdin?.end();
  }

  /** Kills it with everything it started, at once and without a word to any of them. */
  async kill(): Promise<void> {
    running.delete(this);
    const { pid } = this.child;
    try {
      if (pid !== undefined) process.kill(-pid, "SIGKILL");
    } catch (error) {
      // ESRCH: the whole group has ended already.
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
    await this.ended;
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

export interface Server {
  program: Program;
  /** Where it answers: `http://localhost:8787`. */
  address: string;
}

/** Starts Parley by its own command, with any option of `wrangler dev`, and waits until it is up. */
export function startServer(persistTo: string, ...options: string[]): Promise<Server> {
  return up(startCommand("--port", "0", "--persist-to", persistTo, ...options));
}

/** `npm start` without npm. */
export function startCommand(...options: string[]): Program {
  return new Program(process.execPath, ["src/cli/start.ts", ...options]);
}

/** Waits until a server says where it answers. */
export async function up(program: Program): Promise<Server> {
  const [, address = ""] = await program.says(/is up at (http:\S+)\. /);
  return { program, address };
}

/** Runs a command to its end; what it printed. Rejects when it fails. */
export async function run(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd: ROOT });
  return stdout.trim();
}

/** A development token, printed by the command that prints them. */
export function tokenFor(...args: string[]): Promise<string> {
  return run(process.execPath, "src/cli/token.ts", ...args);
}

/** A free port. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("no port"));
      else server.close(() => resolve(address.port));
    });
  });
}

/** A new folder, deleted after the tests. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "parley-"));
  folders.add(folder);
  return folder;
}

/** For `afterAll`: ends whatever still runs and leaves nothing behind. */
export async function cleanUp(): Promise<void> {
  await Promise.all([...running].map((program) => program.kill()));
  for (const folder of folders) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
