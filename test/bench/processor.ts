import { readdirSync, readFileSync } from "node:fs";
import type { Program } from "../system/server.ts";

/** Ticks of the kernel's clock in a second (`getconf CLK_TCK`): 100 wherever Linux runs. */
const TICKS_PER_SECOND = 100;

/**
 * Processor time, in milliseconds, that a program and all its child processes have used so far
 * (Linux only).
 */
export function processorMs(program: Program): number {
  let ticks = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const [group, user, system] = usageOf(pid);
    if (group === program.group) ticks += user + system;
  }
  return (ticks * 1_000) / TICKS_PER_SECOND;
}

/** Process group, and ticks in user and kernel mode; see proc_pid_stat(5). */
function usageOf(pid: string): [group: number, user: number, system: number] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Field 3 begins after the name, which may contain any characters.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return [Number(fields[2]), Number(fields[11]), Number(fields[12])];
  } catch {
    // The process has just ended.
    return [0, 0, 0];
  }
}

/** The rate at which a server did something, and its processor time for each. */
export type RateAndCost = {
  /** A second. */
  rate: number;
  /** Microseconds. */
  processor: number;
};

/** Measures `work`, which returns how often it was done and in how many milliseconds. */
export async function rateAndCost(
  program: Program,
  work: () => Promise<{ count: number; ms: number }>,
): Promise<RateAndCost> {
  const before = processorMs(program);
  const { count, ms } = await work();
  return {
    rate: (count * 1_000) / ms,
    processor: ((processorMs(program) - before) * 1_000) / count,
  };
}
