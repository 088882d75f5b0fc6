import type { Context } from "hono";
import { serveFile } from "../../attachments/serve.ts";
import type { EdgeEnv } from "../../edge/context.ts";
import { refuse } from "../../edge/refusal.ts";
import { isValidLink } from "./link.ts";
import { archiveKey } from "./upload.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `GET /api/exports/{jobId}`: the archive of an export, with a valid signed link; whole, or a range of it. */
export async function serveArchive(c: Context<EdgeEnv, "/api/exports/:jobId">): Promise<Response> {
  c.header("X-Request-Id", c.get("requestId"));
  const jobId = c.req.param("jobId");
  const query = new URL(c.req.url).searchParams;
  const { FILES_SECRET } = c.get("settings");
  if (!UUID.test(jobId) || !isValidLink(FILES_SECRET, jobId, query, Date.now())) {
    refuse("invalid_link", {
      message: "The link is not valid, or not any more; ask for a new one.",
    });
  }
  const key = archiveKey(jobId);
  const found = await c.env.FILES.head(key);
  if (!found) refuse("archive_gone");
  const file = {
    ...{ key, size: found.size, mimeType: "application/x-tar" },
    name: `export-${jobId}.tar`,
  };
  const response = await serveFile(c.env.FILES, file, c.req.raw, "attachment");
  if (!response) refuse("archive_gone");
  response.headers.set("X-Request-Id", c.get("requestId"));
  response.headers.set("Cache-Control", "private, no-store, no-transform");
  response.headers.set("Referrer-Policy", "no-referrer");
  return response;
}
