import type { Directory } from "../directory/directory.ts";
import { beginUpload, finishUpload } from "../directory/uploads.ts";
import { type Attachment, fileTypeOf } from "../domain/attachment.ts";
import { type ChatError, chatError, fail, ok, type Result } from "../domain/error.ts";
import { MAX_FILE_BYTES } from "../domain/file-size.ts";
import type { Place } from "./admission.ts";
import type { Allowance } from "./allowance.ts";
import type { FileSink } from "./form.ts";
import { pixelsOf } from "./image/pixels.ts";
import { beginningOf, signatureOf } from "./inspect.ts";
import type { Pace } from "./pace.ts";
import { removeFiles } from "./removal.ts";
import { PART_BYTES, readThrough } from "./stream.ts";

/** The first size of the buffer; it doubles as bytes arrive, up to one part. */
const FIRST_BUFFER_BYTES = 64 * 1024;

/** The admission and the allowance of an upload. */
export interface Permit {
  place: Place;
  allowance: Allowance;
}

export interface UploadOptions {
  bucket: R2Bucket;
  directory: Directory;
  ownerId: string;
  /** As {@link fileNameOf} gives it. */
  name: string;
  now: number;
  permit: Permit;
}

/**
 * Stores a file in R2 while it arrives: a small one in one put, a larger one in parts, with at most
 * one part in memory. After a refusal the remaining bytes are discarded, so that the client can
 * read the answer, and nothing stays stored.
 */
export class Upload implements FileSink {
  private readonly options: UploadOptions;
  private buffer: Uint8Array<ArrayBuffer> | undefined;
  private filled = 0;
  private size = 0;
  private refusal: ChatError | undefined;
  private attachment: Attachment | undefined;
  private multipart: R2MultipartUpload | undefined;
  private readonly parts: R2UploadedPart[] = [];
  /** Checks that a text is valid UTF-8 throughout; unset for other files. */
  private decoder: TextDecoder | undefined;

  constructor(options: UploadOptions) {
    this.options = options;
  }

  /** Bytes in memory now. */
  get held(): number {
    return this.buffer?.byteLength ?? 0;
  }

  /** The reason of a refusal, as soon as it is known. */
  get refused(): ChatError | undefined {
    return this.refusal;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.size += chunk.length;
    this.options.permit.place.activeAt = Date.now();
    if (!this.refusal && this.size > MAX_FILE_BYTES) this.refuse(chatError("file_too_large"));
    let rest = chunk;
    while (rest.length > 0 && !this.refusal) {
      const taken = rest.subarray(0, PART_BYTES - this.filled);
      this.bufferFor(this.filled + taken.length).set(taken, this.filled);
      this.filled += taken.length;
      rest = rest.subarray(taken.length);
      if (this.filled === PART_BYTES) await this.flush();
    }
  }

  /** Completes the file. After a failure nothing is stored. */
  async finish(): Promise<Result<Attachment>> {
    try {
      if (!this.refusal && this.size === 0) this.refuse(chatError("empty_file"));
      if (!this.refusal) await this.complete();
    } catch (error) {
      await this.abort();
      throw error;
    }
    if (this.refusal || !this.attachment) {
      await this.abort();
      return { ok: false, error: this.refusal ?? chatError("internal") };
    }
    return ok(this.attachment);
  }

  /** Removes everything stored: parts, object and row. */
  async abort(): Promise<void> {
    this.buffer = undefined;
    const { attachment, multipart, options } = this;
    if (!attachment) return;
    this.attachment = undefined;
    const { key } = attachment;
    const r2UploadId = multipart?.uploadId ?? null;
    await removeFiles(options.bucket, options.directory, [{ key, r2UploadId }]);
  }

  private refuse(error: ChatError): void {
    this.refusal = error;
    this.buffer = undefined;
  }

  /**
   * The buffer, grown to at least `bytes`. Growing transfers it and leaves no copy for the garbage
   * collector.
   */
  private bufferFor(bytes: number): Uint8Array {
    let size = this.buffer?.length ?? FIRST_BUFFER_BYTES;
    while (size < bytes) size = Math.min(2 * size, PART_BYTES);
    this.buffer ??= new Uint8Array(size);
    if (this.buffer.length < size) this.buffer = new Uint8Array(this.buffer.buffer.transfer(size));
    return this.buffer;
  }

  /** Whether the person's allowance covers the size. */
  private async isCovered(): Promise<boolean> {
    const refusal = await this.options.permit.allowance.cover(this.size);
    if (refusal) this.refuse(refusal);
    return refusal === undefined;
  }

  private async flush(): Promise<void> {
    if (!(await this.isCovered())) return;
    const part = this.part();
    if (!this.attachment && !(await this.begin(part, true))) return;
    if (!this.isText(part, true)) return;
    await this.uploadPart(part);
  }

  private async complete(): Promise<void> {
    if (!(await this.isCovered())) return;
    const part = this.part();
    if (!this.attachment && !(await this.begin(part, false))) return;
    if (!this.isText(part, false)) return;
    const { attachment, multipart, options } = this;
    if (!attachment) return;
    attachment.size = this.size;
    if (multipart) {
      if (part.length > 0) await this.uploadPart(part);
      await multipart.complete(this.parts);
    } else {
      await options.bucket.put(attachment.key, part);
    }
    const isKnown = await finishUpload(options.directory, attachment, options.now);
    // Its row was removed meanwhile, as by an erasure: nothing would ever remove the file.
    if (!isKnown) this.refuse(chatError("unavailable"));
    this.buffer = undefined;
  }

  /** Determines the type by the first bytes, and writes the row to D1 before R2 gets any bytes. */
  private async begin(head: Uint8Array, isLarge: boolean): Promise<boolean> {
    const { bucket, directory, ownerId, name, now } = this.options;
    const signature = await signatureOf(head, !isLarge);
    const type = fileTypeOf(name, signature, beginningOf(head));
    if (!type.ok) {
      this.refuse(type.error);
      return false;
    }
    const { extension, mimeType, isText } = type.value;
    if (isText) this.decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const key = `${crypto.randomUUID()}.${extension}`;
    const attachment: Attachment = { key, name, mimeType, size: 0, ...pixelsOf(mimeType, head) };
    const multipart = isLarge ? await bucket.createMultipartUpload(key) : undefined;
    this.multipart = multipart;
    this.attachment = attachment;
    await beginUpload(directory, attachment, ownerId, multipart?.uploadId ?? null, now);
    return true;
  }

  private async uploadPart(part: Uint8Array): Promise<void> {
    if (!this.multipart) return;
    this.parts.push(await this.multipart.uploadPart(this.parts.length + 1, part));
    this.filled = 0;
  }

  private part(): Uint8Array {
    return this.buffer?.subarray(0, this.filled) ?? new Uint8Array();
  }

  /** Whether the part continues a valid text; true for other files. */
  private isText(part: Uint8Array, stream: boolean): boolean {
    if (!this.decoder) return true;
    try {
      if (part.includes(0)) throw new TypeError("NUL");
      this.decoder.decode(part, { stream });
      return true;
    } catch {
      this.refuse(chatError("unsupported_type"));
      return false;
    }
  }
}

/** Measures a file without storing it, for comparing a retry by name and size. */
export class Measure implements FileSink {
  private readonly name: string;
  private size = 0;

  constructor(name: string) {
    this.name = name;
  }

  get refused(): ChatError | undefined {
    return this.size > MAX_FILE_BYTES ? chatError("file_too_large") : undefined;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.size += chunk.length;
  }

  async finish(): Promise<Result<Attachment>> {
    return ok({ key: "", name: this.name, mimeType: "", size: this.size });
  }

  async abort(): Promise<void> {
    this.size = 0;
  }
}

/** Removes a stored, unsent file. */
export async function discard(
  bucket: R2Bucket,
  directory: Directory,
  attachment: Attachment,
): Promise<void> {
  await removeFiles(bucket, directory, [{ key: attachment.key, r2UploadId: null }]);
}

/** Stores a body that is the file itself. After a failure nothing is stored. */
export async function receiveBody(
  body: ReadableStream<Uint8Array> | null,
  upload: Upload,
  pace?: Pace,
): Promise<Result<Attachment>> {
  if (!body) return fail("empty_file");
  try {
    const take = async (chunk: Uint8Array) => {
      await upload.write(chunk);
      return upload.refused === undefined;
    };
    const ending = await readThrough(body, take, pace);
    if (ending === "complete" || upload.refused) return await upload.finish();
    await upload.abort();
    return fail(ending === "too slow" ? "upload_timeout" : "incomplete_body");
  } catch (error) {
    await upload.abort();
    throw error;
  }
}
