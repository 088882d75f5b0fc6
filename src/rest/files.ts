import type { Context } from "hono";
import { isKey, verifiedLink } from "../attachments/links.ts";
import { serveFile } from "../attachments/serve.ts";
import { directoryOf } from "../directory/directory.ts";
import { type UploadRow, uploadOf } from "../directory/uploads.ts";
import { isShownInline } from "../domain/attachment.ts";
import { bearerOf, verify } from "./auth.ts";
import type { RestEnv } from "./context.ts";
import { ask } from "./conversations.ts";
import { refuse } from "./refusal.ts";

/**
 * `GET /uploads/chat/{key}`: a stored file, for whoever has a link that is still good, and for the
 * uploader and the members of the conversation with their token. A deleted message serves nothing.
 */
export async function serveUpload(c: Context<RestEnv, "/uploads/chat/:key">): Promise<Response> {
  c.header("X-Request-Id", c.var.requestId);
  const key = c.req.param("key");
  const query = new URL(c.req.url).searchParams;
  const token = bearerOf(c.req.header("Authorization"));
  const isLink = ["signature", "expires", "disposition"].some((name) => query.has(name));
  const signed = isLink
    ? verifiedLink(c.var.settings.FILES_SECRET, key, query, Date.now())
    : undefined;
  if (isLink && !signed) refuse("invalid_link");
  const verified = signed ? undefined : await verify(c.var.settings, token);
  if (!signed && !verified) refuse("unauthenticated");
  const row = isKey(key) ? await uploadOf(directoryOf(c.env.DB), key) : undefined;
  if (!row || row.storedAt === null || row.deletedAt !== null) refuse("file_not_found");
  if (verified && verified.actor.userId !== row.ownerId) await refuseStrangers(c, row, verified);
  const disposition = signed ?? (isShownInline(row.mimeType) ? "inline" : "attachment");
  const response = await serveFile(c.env.FILES, row, c.req.raw, disposition);
  response?.headers.set("X-Request-Id", c.var.requestId);
  return response ?? refuse("file_not_found");
}

/** A file that was not sent is its uploader's alone. */
async function refuseStrangers(
  c: Context<RestEnv>,
  { sentTo }: UploadRow,
  { actor }: NonNullable<Awaited<ReturnType<typeof verify>>>,
): Promise<void> {
  if (sentTo === null) refuse("not_a_member");
  const answer = await ask(c, sentTo, (stub) => stub.members(actor, { page: 1, pageSize: 1 }));
  if (!answer.ok) refuse("not_a_member");
}
