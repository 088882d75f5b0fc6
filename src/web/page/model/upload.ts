import { signal } from "@preact/signals";
import { keyOf, type Uploaded } from "../../../client/rest.ts";
import { MAX_FILE_BYTES } from "../../../domain/file-size.ts";

const UNREACHABLE = "The server could not be reached.";

export type UploadState =
  /** `part` of one. */
  | { state: "uploading"; part: number }
  | { state: "done"; key: string }
  | { state: "failed"; reason: string };

/** A file being uploaded, to be sent with a message. The upload starts at once. */
export class Upload {
  readonly id = crypto.randomUUID();
  readonly file: File;
  /** Images only: an object URL of this page. */
  readonly preview: string | undefined;
  readonly state = signal<UploadState>({ state: "uploading", part: 0 });
  private readonly token: () => Promise<string>;
  private request: XMLHttpRequest | undefined;
  private isDiscarded = false;

  constructor(file: File, token: () => Promise<string>) {
    this.file = file;
    this.token = token;
    this.preview = file.type.startsWith("image/") ? URL.createObjectURL(file) : undefined;
    void this.start();
  }

  /** Starts the upload, or retries it. */
  async start(): Promise<void> {
    this.state.value = { state: "uploading", part: 0 };
    try {
      // The server would cut the connection, which looks like a network error.
      if (this.file.size > MAX_FILE_BYTES)
        throw new Error("The file is too large: at most 50 MB are accepted.");
      const token = await this.token().catch(() => {
        throw new Error(UNREACHABLE);
      });
      if (this.isDiscarded) return;
      this.state.value = { state: "done", key: keyOf(await this.put(token)) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.state.value = { state: "failed", reason };
    }
  }

  /** Aborts a running upload and releases its preview. */
  discard(): void {
    this.isDiscarded = true;
    this.request?.abort();
    if (this.preview) URL.revokeObjectURL(this.preview);
  }

  /** `fetch` reports no upload progress, so this uses XMLHttpRequest. */
  private put(token: string): Promise<Uploaded> {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      this.request = request;
      request.open("PUT", `/api/v1/chat/uploads?${new URLSearchParams({ name: this.file.name })}`);
      request.setRequestHeader("Authorization", `Bearer ${token}`);
      request.responseType = "json";
      request.upload.onprogress = ({ loaded, total }) => {
        this.state.value = { state: "uploading", part: total > 0 ? loaded / total : 0 };
      };
      request.onload = () => {
        // The server's tests check its answer against the schema that the type is inferred from.
        if (request.status === 200) resolve(request.response as Uploaded);
        else reject(new Error(request.response?.error ?? "The server did not take it."));
      };
      request.onerror = () => reject(new Error(UNREACHABLE));
      request.onabort = () => reject(new Error("Stopped."));
      // A body without a type: the server detects it from the first bytes and the name.
      request.send(this.file.slice());
    });
  }
}
