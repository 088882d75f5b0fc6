import { DRAIN_BYTES } from "../attachments/stream.ts";

/** Swallows a body that is refused, within bounds. */
export async function drained(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (body && !body.locked) await readUpTo(body, 0);
}

/** The bytes of a stream, or `undefined` when it holds more than `limit`; then it has been drained. */
export async function readUpTo(
  stream: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit + DRAIN_BYTES) break;
    if (size <= limit) chunks.push(chunk);
  }
  if (size > limit) return undefined;
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
