import { PACE, type Pace, patienceMs } from "./pace.ts";

/** Bytes that are read of a body at once. */
export const CHUNK_BYTES = 64 * 1024;
/** R2 wants parts of equal size, at least 5 MiB, but for the last. An upload holds one of them. */
export const PART_BYTES = 5 * 1024 * 1024;
/** Bytes of a body that is refused which are read all the same, so that the client reads our answer. */
export const DRAIN_BYTES = 16 * 1024 * 1024;

/** How a body came to its end: all of it was read that was wanted, or its sender was gone or too slow. */
export type Ending = "complete" | "cut off" | "too slow";

/**
 * Reads a body, at most 64 KiB at a time, each handed on before the next is read. Once `take` resolves to
 * false it is told no more: the rest is swallowed, within bounds of size and time. Throws what `take`
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
  let swallowed = 0;
  let waitedMs = 0;
  while (swallowed <= DRAIN_BYTES) {
    const patience = wanted ? patienceMs(pace, received, waitedMs) : pace.drainMs - waitedMs;
    const began = Date.now();
    const next = await within(patience, () => reader.read(new Uint8Array(CHUNK_BYTES)));
    waitedMs += Date.now() - began;
    if (next === "too slow") {
      // Not awaited: there may be nobody left to hear of it.
      reader.cancel().catch(() => undefined);
      return wanted ? "too slow" : "complete";
    }
    if (next === "cut off") return "cut off";
    if (next.done) return "complete";
    received += next.value.length;
    if (!wanted) swallowed += next.value.length;
    else if (!(await take(next.value))) {
      wanted = false;
      waitedMs = 0;
    }
  }
  await reader.cancel();
  return "complete";
}

/** What is read, unless that fails or takes too long. */
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
