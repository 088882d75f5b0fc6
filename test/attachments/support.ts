import { env, exports } from "cloudflare:workers";
import { vi } from "vitest";
import { Allowance } from "../../src/attachments/allowance.ts";
import type { Permit } from "../../src/attachments/upload.ts";
import { type Answer, type Caller, fetchJson, ORIGIN } from "../support.ts";
import { bytes } from "./samples.ts";

/** Helpers for tests of attachments: handwritten forms, and the contents of R2 and D1. */

export const BOUNDARY = "----parley-test-boundary";

export interface Part {
  name: string;
  /** If set, the part is a file. */
  filename?: string;
  content: Uint8Array | string;
}

/** A multipart form as bytes. */
export function formOf(...parts: Part[]): Uint8Array {
  const encoded = parts.map(({ name, filename, content }) => {
    const file = filename === undefined ? "" : `; filename="${filename}"`;
    const type = filename === undefined ? "" : "Content-Type: application/octet-stream\r\n";
    const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${type}`;
    return bytes(head, "\r\n", content, "\r\n");
  });
  return bytes(...encoded, `--${BOUNDARY}--\r\n`);
}

export const FORM_HEADERS = { "Content-Type": `multipart/form-data; boundary=${BOUNDARY}` };

/** Posts a body as a form. */
export function postForm(
  caller: Caller,
  path: string,
  body: BodyInit,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return fetchJson(path, {
    method: "POST",
    headers: { Authorization: `Bearer ${caller.token}`, ...FORM_HEADERS, ...headers },
    body,
  });
}

/** Uploads a file by form. */
export function upload(caller: Caller, filename: string, content: Uint8Array | string) {
  const form = formOf({ name: "file", filename, content });
  return postForm(caller, "/api/v1/chat/messages/upload", form);
}

/** Uploads a file as the request's body. */
export function putFile(
  caller: Caller,
  name: string,
  body: BodyInit | null,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return fetchJson(`/api/v1/chat/uploads?name=${encodeURIComponent(name)}`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${caller.token}`, ...headers },
    body,
  });
}

/** Sends one file into a marketplace chat. */
export function sendFile(
  caller: Caller,
  chatId: string,
  fields: Record<string, string>,
  file: { filename: string; content: Uint8Array | string },
  headers: Record<string, string> = {},
): Promise<Answer> {
  const parts = Object.entries(fields).map(([name, content]) => ({ name, content }));
  const form = formOf(...parts, { name: "file", ...file });
  return postForm(caller, `/api/chat/${chatId}/messages/file`, form, headers);
}

/** An upload's answer in the form that `with-attachments` expects. */
export function asAttachment({ body }: Answer) {
  const { fileName, fileUrl, fileSize, contentType } = body;
  return { fileName, fileUrl, fileSize, mimeType: contentType };
}

/** Sends existing uploads. */
export function sendUploads(
  caller: Caller,
  conversationId: string,
  uploads: readonly Answer[],
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  return caller.post(
    "/api/v1/chat/messages/with-attachments",
    { conversationId, attachments: uploads.map(asAttachment), ...more },
    headers,
  );
}

/** Deletes a message. */
export async function deleteMessage(caller: Caller, chatId: string, messageId: string) {
  const { status } = await caller.delete(`/api/chat/${chatId}/messages/${messageId}`);
  if (status !== 200) throw new Error(`not deleted: ${status}`);
}

/** The key in a link to a file. */
export function keyOf(url: string): string {
  return new URL(url).pathname.split("/").at(-1) ?? "";
}

/** Requests a file. The body must be read or cancelled. */
export function getFile(url: string, init: RequestInit = {}): Promise<Response> {
  const path = url.startsWith(ORIGIN) ? url : ORIGIN + url;
  return exports.default.fetch(new Request(path, init));
}

export interface UploadRow {
  key: string;
  owner_id: string;
  size: number | null;
  width: number | null;
  height: number | null;
  stored_at: number | null;
  claim: string | null;
  sent_to: string | null;
  sent_number: number | null;
  deleted_at: number | null;
}

export async function rowOf(key: string): Promise<UploadRow | null> {
  return env.DB.prepare("SELECT * FROM uploads WHERE key = ?").bind(key).first<UploadRow>();
}

/** The keys of all objects in R2 and of all rows in D1. */
export async function stored(): Promise<{ objects: string[]; rows: string[] }> {
  const objects: string[] = [];
  let cursor: string | undefined;
  do {
    const page: R2Objects = await env.FILES.list(cursor === undefined ? {} : { cursor });
    objects.push(...page.objects.map((object) => object.key));
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  const { results } = await env.DB.prepare("SELECT key FROM uploads").all<{ key: string }>();
  return { objects: objects.sort(), rows: results.map((row) => row.key).sort() };
}

/** Tracks the multipart uploads that are created in R2, and which of them are open. */
export function watchParts(): { begun: () => number; open: () => Promise<number> } {
  const begun: R2MultipartUpload[] = [];
  const create = env.FILES.createMultipartUpload.bind(env.FILES);
  vi.spyOn(env.FILES, "createMultipartUpload").mockImplementation(async (key, options) => {
    const parts = await create(key, options);
    begun.push(parts);
    return parts;
  });
  const isOpen = ({ key, uploadId }: R2MultipartUpload) =>
    env.FILES.resumeMultipartUpload(key, uploadId)
      .uploadPart(99, new Uint8Array(1))
      .then(
        () => true,
        () => false,
      );
  return {
    begun: () => begun.length,
    open: async () => (await Promise.all(begun.map(isOpen))).filter(Boolean).length,
  };
}

/** A body of this size that is generated while it is read: `head`, then `fill`, then `tail`. */
export function streamOf(
  head: Uint8Array,
  size: number,
  fill: (chunk: Uint8Array, offset: number) => void = () => undefined,
  tail: Uint8Array = new Uint8Array(),
): ReadableStream<Uint8Array> {
  let offset = 0;
  const total = head.length + size + tail.length;
  return new ReadableStream({
    pull(controller) {
      if (offset === 0) {
        controller.enqueue(head);
        offset += head.length;
      } else if (offset < head.length + size) {
        const chunk = new Uint8Array(Math.min(64 * 1024, head.length + size - offset));
        fill(chunk, offset - head.length);
        controller.enqueue(chunk);
        offset += chunk.length;
      } else if (offset < total) {
        controller.enqueue(tail);
        offset = total;
      }
      if (offset >= total) controller.close();
    },
  });
}

/** A permit for an upload without limits. */
export function freePermit(): Permit {
  const place = { userId: undefined, bytes: 0, activeAt: Date.now() };
  return { place, allowance: new Allowance(undefined) };
}
