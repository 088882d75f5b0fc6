import { accessSync, constants, statfsSync } from "node:fs";

/** What the data of all processes of `npm test` takes at most, with room to spare. */
const NEEDED_BYTES = 2 * 1024 ** 3;
const MEMORY = "/dev/shm";

/**
 * Lets temporary folders be in memory, where there is one for them. Each query of Miniflare's D1, a
 * reading one too, ends with an `fsync` and a change of threads: on a disk it takes three times the
 * processor time, 2.5 ms instead of 0.8. What tests promise survives a killed process, not a power cut.
 */
export function keepDataInMemory(): void {
  if (process.env["TMPDIR"] !== undefined) return;
  try {
    accessSync(MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize >= NEEDED_BYTES) process.env["TMPDIR"] = MEMORY;
  } catch {
    // No such folder: the disk it is.
  }
}
