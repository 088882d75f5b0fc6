/** Bytes that are read of a body at once. */
export const CHUNK_BYTES = 64 * 1024;
/** Bytes of a body that is refused which are read all the same, so that the client reads our answer. */
export const DRAIN_BYTES = 16 * 1024 * 1024;

/**
 * Reads a body, at most 64 KiB at a time, each handed on before the next is read. Once `take` resolves to
 * false it is told no more: the rest is swallowed, within bounds. Resolves to whether the body came to an
 * end of its own, or was at least not cut off by the client; throws what `take` throws.
 */
export async function readThrough(
  body: ReadableStream<Uint8Array>,
  take: (chunk: Uint8Array) => Promise<boolean>,
): Promise<boolean> {
  const reader = body.getReader({ mode: "byob" });
  let wanted = true;
  let swallowed = 0;
  while (swallowed <= DRAIN_BYTES) {
    const next = await reader.read(new Uint8Array(CHUNK_BYTES)).catch(() => undefined);
    if (!next) return false;
    if (next.done) return true;
    if (wanted) wanted = await take(next.value);
    else swallowed += next.value.length;
  }
  await reader.cancel();
  return true;
}
