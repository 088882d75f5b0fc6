/**
 * `node leash.ts COMMAND [ARGUMENTS]` runs a command in its own process group, which it leads, and
 * kills the group once whoever started it is gone: also when the tests are interrupted, and nobody is
 * left to clean up.
 */
import { spawn } from "node:child_process";

const [command = "", ...args] = process.argv.slice(2);
process.on("disconnect", () => process.kill(-process.pid, "SIGKILL"));
spawn(command, args, { stdio: "inherit" })
  .on("error", (error) => {
    console.error(error.message);
    process.exit(127);
  })
  .on("exit", (code) => process.exit(code ?? 1));
