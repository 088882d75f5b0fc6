import { PACE } from "../attachments/pace.ts";
import { readThrough } from "../attachments/stream.ts";
import { refuse } from "./refusal.ts";

/** Reads and discards a refused body, within bounds of size and time. */
export async function drain(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (body && !body.locked) await readThrough(body, async () => false);
}

/**
 * The bytes of a stream, or `undefined` if it has more than `limit`; it is drained then. A body
 * that arrives too slowly is refused.
 */
export async function readUpTo(
  stream: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const ending = await readThrough(stream, async (chunk) => {
    size += chunk.length;
    // Copied, because the chunk's buffer is larger.
    if (size <= limit) chunks.push(chunk.slice());
    return size <= limit;
  });
  if (size > limit) return undefined;
  if (ending === "too slow") refuseSlow();
  if (ending === "cut off") throw new Error("the body was cut off");
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/**
 * The bytes of a body of `declared` bytes, read at once. It may take the longest pause of an upload
 * plus the time that so many bytes take at an upload's minimum rate.
 */
export async function readDeclared(
  body: ReadableStream<Uint8Array>,
  declared: number,
): Promise<Uint8Array> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const allowedMs = PACE.idleMs + (declared / PACE.bytesPerSecond) * 1_000;
  const timer = setTimeout(resolve, allowedMs);
  const reader = body.getReader({ mode: "byob" });
  try {
    const reading = reader.readAtLeast(declared, new Uint8Array(declared));
    const read = await Promise.race([reading, late]);
    if (read) return read.value ?? new Uint8Array();
    // Otherwise the answer would wait for the rest of the body.
    await reader.cancel();
    return refuseSlow();
  } finally {
    clearTimeout(timer);
  }
}

function refuseSlow(): never {
  return refuse("upload_timeout", {
    message: "The body came too slowly, or stopped coming; send it again.",
  });
}
