import { PACE, type Pace, patienceMs } from "./pace.ts";

/** Bytes of one read. */
export const CHUNK_BYTES = 64 * 1024;
/** R2 requires parts of equal size of at least 5 MiB, except the last. An upload buffers one. */
export const PART_BYTES = 5 * 1024 * 1024;
/** Bytes of a refused body that are drained, so that the client reads the answer. */
export const DRAIN_BYTES = 16 * 1024 * 1024;

/**
 * How reading a body ended: everything needed was read, the connection broke, or the sender was too
 * slow.
 */
export type Ending = "complete" | "cut off" | "too slow";

/**
 * Reads a body in chunks of at most 64 KiB, each passed to `take` before the next is read. Once
 * `take` resolves to false, the rest is drained within bounds of size and time. Throws what `take`
 * throws.
 */
export async function readThrough(
  body: ReadableStream<Uint8Array>,
  take: (chunk: Uint8Array) => Promise<boolean>,
  pace: Pace = PACE,
): Promise<Ending> {
  const reader = body.getReader({ mode: "byob" });
  let wanted = true;
  let received = 0;
  let drained = 0;
  let waitedMs = 0;
  while (drained <= DRAIN_BYTES) {
    const patience = wanted ? patienceMs(pace, received, waitedMs) : pace.drainMs - waitedMs;
    const began = Date.now();
    const next = await within(patience, () => reader.read(new Uint8Array(CHUNK_BYTES)));
    waitedMs += Date.now() - began;
    if (next === "too slow") {
      // Not awaited: the sender may have disconnected.
      reader.cancel().catch(() => undefined);
      return wanted ? "too slow" : "complete";
    }
    if (next === "cut off") return "cut off";
    if (next.done) return "complete";
    received += next.value.length;
    if (!wanted) drained += next.value.length;
    else if (!(await take(next.value))) {
      wanted = false;
      waitedMs = 0;
    }
  }
  await reader.cancel();
  return "complete";
}

/** The result of a read, unless it fails or times out. */
async function within<T>(
  milliseconds: number,
  read: () => Promise<T>,
): Promise<T | "cut off" | "too slow"> {
  if (milliseconds <= 0) return "too slow";
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve("too slow"), milliseconds);
    read()
      .catch(() => "cut off" as const)
      .then((result) => {
        clearTimeout(timer);
        resolve(result);
      });
  });
}
