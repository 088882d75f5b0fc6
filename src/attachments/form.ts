import busboy from "busboy";
import { type Attachment, fileNameOf, MAX_FILE_BYTES } from "../domain/attachment.ts";
import { type ChatError, chatError, fail, ok, type Result } from "../domain/error.ts";
import { readThrough } from "./stream.ts";

/** What a form may hold beside its file: boundaries, headers, a caption. */
const OVERHEAD_BYTES = 256 * 1024;

/** Where the bytes of a file go: an `Upload`, or a `Measure`. */
export interface FileSink {
  write(chunk: Uint8Array): Promise<void>;
  /** Why the file is refused, as soon as it is known. */
  readonly refused: ChatError | undefined;
  /** All of it has been written. On failure nothing of it is left. */
  finish(): Promise<Result<Attachment>>;
  /** Leaves nothing behind. */
  abort(): Promise<void>;
}

export interface Form {
  fields: ReadonlyMap<string, string>;
  attachment: Attachment;
}

/**
 * Reads a multipart form with one file in the field `file`, as a stream: 64 KiB at a time, each handed
 * on before the next is read. Whatever is wrong with it, the rest is swallowed, within bounds, and
 * nothing stays.
 */
export async function receiveForm(
  request: Request,
  sinkFor: (name: string) => FileSink,
): Promise<Result<Form>> {
  const parser = parserFor(request);
  if (!parser || !request.body) return fail("invalid_form");
  const form = new FormReader(parser, sinkFor);
  const declared = Number(request.headers.get("Content-Length") ?? 0);
  if (declared > MAX_FILE_BYTES + OVERHEAD_BYTES) form.refuse(chatError("file_too_large"));
  try {
    await form.read(request.body);
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
      // What a browser sends of a file field that was left empty.
      if (filename === undefined) this.refuse(chatError("no_file"));
      const name = fileNameOf(filename ?? "");
      if (!name.ok) this.refuse(name.error);
      if (name.ok && !this.refusal) this.upload = sinkFor(name.value);
      stream.on("data", (chunk: Uint8Array) => {
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

  /** The first reason counts. */
  refuse(error: ChatError): void {
    this.refusal ??= error;
    this.pending.length = 0;
  }

  async read(body: ReadableStream<Uint8Array>): Promise<void> {
    const ended = await readThrough(body, async (chunk) => {
      if (!this.refusal) await this.feed(chunk);
      return this.refusal === undefined;
    });
    if (!ended) this.refuse(chatError("invalid_form"));
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
      // After an error the parser calls nobody back.
      this.closed.then(resolve);
    });
    await this.handOn();
  }

  private async handOn(): Promise<void> {
    for (const chunk of this.pending.splice(0)) await this.upload?.write(chunk);
    if (this.upload?.refused) this.refuse(this.upload.refused);
  }
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
    return undefined; // no boundary, or one that cannot be
  }
}

export function isMultipart(contentType: string | undefined): boolean {
  return /^multipart\/form-data\b/i.test(contentType ?? "");
}
