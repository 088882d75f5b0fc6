import { createTarDecoder } from "modern-tar";

/** Reads archives with a library that Parley does not write them with. */

export interface Unpacked {
  path: string;
  size: number;
  sha256: string;
  /** The text, except of files. */
  text: string;
}

/** The entries of an archive in its order. A file's bytes are hashed and not kept. */
export async function unpack(archive: ReadableStream<Uint8Array>): Promise<Unpacked[]> {
  const entries: Unpacked[] = [];
  const decoded = archive.pipeThrough(
    createTarDecoder({ strict: true }) as unknown as ReadableWritablePair<
      { header: { name: string; size: number }; body: ReadableStream<Uint8Array> },
      Uint8Array
    >,
  );
  for await (const { header, body } of decoded) {
    const digest = new crypto.DigestStream("SHA-256");
    const writer = digest.getWriter();
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const isText = !header.name.startsWith("files/");
    let text = "";
    for await (const chunk of body) {
      await writer.write(chunk);
      if (isText) text += decoder.decode(chunk, { stream: true });
    }
    await writer.close();
    const sha256 = hexOf(await digest.digest);
    entries.push({ path: header.name, size: header.size, sha256, text });
  }
  return entries;
}

export function hexOf(bytes: ArrayBuffer): string {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
