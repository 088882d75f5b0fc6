import { readdirSync, readFileSync } from "node:fs";
import type { Program } from "../system/server.ts";

/** Ticks of the kernel's clock in a second (`getconf CLK_TCK`): 100 wherever Linux runs. */
const TICKS_PER_SECOND = 100;

/** The size of a page of memory (`getconf PAGESIZE`) on most machines. */
const PAGE_BYTES = 4_096;

interface Process {
  name: string;
  group: number;
  /** Processor time in user and kernel mode. */
  ticks: number;
  /** Resident memory. */
  pages: number;
}

/**
 * Processor time, in milliseconds, that a program and all its child processes have used so far
 * (Linux only).
 */
export function processorMs(program: Program): number {
  const ticks = processesOf(program).reduce((sum, { ticks }) => sum + ticks, 0);
  return (ticks * 1_000) / TICKS_PER_SECOND;
}

/** Resident bytes of the runtime's process of a program (Linux only). */
export function runtimeBytes(program: Program): number {
  const runtime = processesOf(program).filter(({ name }) => name === "workerd");
  return runtime.reduce((sum, { pages }) => sum + pages, 0) * PAGE_BYTES;
}

/** A program's process and all child processes. */
function processesOf({ group }: Program): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => processOf(pid) ?? [])
    .filter((one) => one.group === group);
}

/** What the kernel says of a process; see proc_pid_stat(5). */
function processOf(pid: string): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name is in parentheses, and may contain any characters. Field 3 begins after it.
    const [open, close] = [stat.indexOf("("), stat.lastIndexOf(")")];
    const fields = stat
      .slice(close + 2)
      .split(" ")
      .map(Number);
    const [group = 0, user = 0, system = 0, pages = 0] = [2, 11, 12, 21].map((at) => fields[at]);
    return { name: stat.slice(open + 1, close), group, ticks: user + system, pages };
  } catch {
    // The process has just ended.
    return undefined;
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
