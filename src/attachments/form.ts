import busboy from "busboy";
import { type Attachment, fileNameOf } from "../domain/attachment.ts";
import { type ChatError, chatError, fail, ok, type Result } from "../domain/error.ts";
import { MAX_FILE_BYTES } from "../domain/file-size.ts";
import type { Pace } from "./pace.ts";
import { readThrough } from "./stream.ts";

/** Bytes of a form besides its file: boundaries, headers, a caption, preamble and epilogue. */
const OVERHEAD_BYTES = 256 * 1024;

/** The consumer of a file's bytes: an `Upload` or a `Measure`. */
export interface FileSink {
  write(chunk: Uint8Array): Promise<void>;
  /** The reason of a refusal, as soon as it is known. */
  readonly refused: ChatError | undefined;
  /** Completes the file. After a failure nothing is stored. */
  finish(): Promise<Result<Attachment>>;
  /** Removes everything stored. */
  abort(): Promise<void>;
}

export interface Form {
  fields: ReadonlyMap<string, string>;
  attachment: Attachment;
}

/**
 * Reads a multipart form with one file in the field `file`, as a stream: chunks of 64 KiB, each
 * passed on before the next is read. After an error the rest is drained, within bounds, and nothing
 * stays stored.
 */
export async function receiveForm(
  request: Request,
  sinkFor: (name: string) => FileSink,
  pace?: Pace,
): Promise<Result<Form>> {
  const parser = parserFor(request);
  if (!parser || !request.body) return fail("invalid_form");
  const form = new FormReader(parser, sinkFor);
  const declared = Number(request.headers.get("Content-Length") ?? 0);
  if (declared > MAX_FILE_BYTES + OVERHEAD_BYTES) form.refuse(chatError("file_too_large"));
  try {
    await form.read(request.body, pace);
    return await form.finish();
  } catch (error) {
    await form.abort();
    throw error;
  }
}

class FormReader {
  private readonly parser: busboy.Busboy;
  private readonly fields = new Map<string, string>();
  private readonly pending: Uint8Array[] = [];
  private readonly closed: Promise<void>;
  private upload: FileSink | undefined;
  private files = 0;
  /** Bytes of the form, and those of its file. */
  private total = 0;
  private inFile = 0;
  private refusal: ChatError | undefined;

  constructor(parser: busboy.Busboy, sinkFor: (name: string) => FileSink) {
    this.parser = parser;
    parser.on("field", (name, value, { nameTruncated, valueTruncated }) => {
      if (nameTruncated || valueTruncated) this.refuse(chatError("invalid_form"));
      this.fields.set(name, value);
    });
    parser.on("file", (field, stream, { filename }) => {
      this.files++;
      if (field !== "file" || this.files > 1) {
        this.refuse(chatError(field === "file" ? "several_files" : "no_file"));
      }
      // Browsers send this for an empty file field.
      if (filename === undefined) this.refuse(chatError("no_file"));
      const name = fileNameOf(unescaped(filename ?? ""));
      if (!name.ok) this.refuse(name.error);
      if (name.ok && !this.refusal) this.upload = sinkFor(name.value);
      stream.on("data", (chunk: Uint8Array) => {
        this.inFile += chunk.length;
        if (!this.refusal) this.pending.push(chunk);
      });
      stream.on("error", () => this.refuse(chatError("invalid_form")));
    });
    for (const limit of ["partsLimit", "filesLimit", "fieldsLimit"] as const) {
      parser.on(limit, () =>
        this.refuse(chatError(limit === "filesLimit" ? "several_files" : "invalid_form")),
      );
    }
    this.closed = new Promise((resolve) => {
      parser.on("close", resolve);
      parser.on("error", () => {
        this.refuse(chatError("invalid_form"));
        resolve();
      });
    });
  }

  /** The first refusal counts. */
  refuse(error: ChatError): void {
    this.refusal ??= error;
    this.pending.length = 0;
  }

  async read(body: ReadableStream<Uint8Array>, pace: Pace | undefined): Promise<void> {
    const take = async (chunk: Uint8Array) => {
      if (!this.refusal) await this.feed(chunk);
      return this.refusal === undefined;
    };
    const ending = await readThrough(body, take, pace);
    if (ending === "too slow") this.refuse(chatError("upload_timeout"));
    if (ending === "cut off") this.refuse(chatError("invalid_form"));
    if (!this.refusal) {
      this.parser.end();
      await this.closed;
      await this.handOn();
    }
  }

  async finish(): Promise<Result<Form>> {
    const { upload } = this;
    if (!this.refusal && !upload) this.refuse(chatError("no_file"));
    if (this.refusal || !upload) {
      await upload?.abort();
      return { ok: false, error: this.refusal ?? chatError("no_file") };
    }
    const stored = await upload.finish();
    return stored.ok ? ok({ fields: this.fields, attachment: stored.value }) : stored;
  }

  async abort(): Promise<void> {
    await this.upload?.abort();
  }

  private async feed(chunk: Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => {
      this.parser.write(chunk, () => resolve());
      // After an error the parser makes no more callbacks.
      this.closed.then(resolve);
    });
    this.total += chunk.length;
    // The sink bounds the file; the parser buffers at most a boundary of it.
    if (this.total - this.inFile > OVERHEAD_BYTES) this.refuse(chatError("invalid_form"));
    await this.handOn();
  }

  private async handOn(): Promise<void> {
    for (const chunk of this.pending.splice(0)) await this.upload?.write(chunk);
    if (this.upload?.refused) this.refuse(this.upload.refused);
  }
}

/** The characters that browsers escape in a file name (HTML, "multipart/form-data encoding"). */
const ESCAPED: Record<string, string> = { "%22": '"', "%0D": "\r", "%0A": "\n" };

function unescaped(name: string): string {
  return name.replaceAll(/%22|%0D|%0A/g, (code) => ESCAPED[code] ?? code);
}

function parserFor(request: Request): busboy.Busboy | undefined {
  const type = request.headers.get("Content-Type") ?? "";
  if (!isMultipart(type)) return undefined;
  try {
    return busboy({
      headers: { "content-type": type },
      defParamCharset: "utf8",
      limits: { files: 2, fields: 10, parts: 12, fieldSize: OVERHEAD_BYTES / 2, headerPairs: 50 },
    });
  } catch {
    return undefined; // No boundary, or an invalid one.
  }
}

export function isMultipart(contentType: string | undefined): boolean {
  return /^multipart\/form-data\b/i.test(contentType ?? "");
}
