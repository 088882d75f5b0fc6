/**
 * `node process-group.ts COMMAND [ARGUMENTS]` runs a command in a process group that it leads, and kills
 * the group when the parent process ends, also when the tests are interrupted and cannot clean up.
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
