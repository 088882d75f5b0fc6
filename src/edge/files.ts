import type { Context } from "hono";
import { isKey, verifiedLink } from "../attachments/links.ts";
import { serveFile } from "../attachments/serve.ts";
import type { ConversationStub } from "../conversation/api.ts";
import { lacksMethod } from "../conversation/rpc-versions.ts";
import { directoryOf } from "../directory/directory.ts";
import { type UploadRow, uploadOf } from "../directory/uploads.ts";
import { isShownInline } from "../domain/attachment.ts";
import { ok } from "../domain/error.ts";
import type { Actor } from "../domain/policy.ts";
import { bearerOf, isBannedCaller, verify } from "./auth.ts";
import type { EdgeEnv } from "./context.ts";
import { ask } from "./conversations.ts";
import { refuse } from "./refusal.ts";

/**
 * `GET /uploads/chat/{key}`: a stored file, with a valid signed link, or with the token of its
 * uploader or of a member of its conversation. Files of deleted messages are not served.
 */
export async function serveUpload(c: Context<EdgeEnv, "/uploads/chat/:key">): Promise<Response> {
  c.header("X-Request-Id", c.get("requestId"));
  const key = c.req.param("key");
  const query = new URL(c.req.url).searchParams;
  const token = bearerOf(c.req.header("Authorization"));
  const isLink = ["signature", "expires", "disposition"].some((name) => query.has(name));
  const signed = isLink
    ? verifiedLink(c.get("settings").FILES_SECRET, key, query, Date.now())
    : undefined;
  if (isLink && !signed) refuse("invalid_link");
  const verified = signed ? undefined : await verify(c.get("settings"), token);
  if (!signed && !verified) refuse("unauthenticated");
  // A link says nothing of who follows it.
  if (verified && (await isBannedCaller(c, verified.actor))) refuse("banned");
  const row = isKey(key) ? await uploadOf(directoryOf(c.env.DB), key) : undefined;
  if (!row || row.storedAt === null || row.deletedAt !== null) refuse("file_not_found");
  const reader = verified && verified.actor.userId !== row.ownerId ? verified.actor : null;
  await refuseUnlessCarried(c, row, reader);
  const disposition = signed ?? (isShownInline(row.mimeType) ? "inline" : "attachment");
  const response = await serveFile(c.env.FILES, row, c.req.raw, disposition);
  response?.headers.set("X-Request-Id", c.get("requestId"));
  // Miniflare's entry Worker compresses texts, ranges too, despite `no-transform`.
  if (c.get("settings").ENVIRONMENT === "development") {
    response?.headers.set("Content-Encoding", "identity");
  }
  return response ?? refuse("file_not_found");
}

/**
 * Asks the conversation, because D1 receives a deletion a moment later, or much later during an
 * outage. An unsent file is readable by its uploader only; `reader` is any other caller with a
 * token.
 */
async function refuseUnlessCarried(
  c: Context<EdgeEnv>,
  { key, sentTo, sentNumber, claim, claimedBy }: UploadRow,
  reader: Actor | null,
): Promise<void> {
  const conversationId = sentTo ?? claimedBy;
  if (conversationId === null) {
    if (reader) refuse("not_a_member");
    return;
  }
  const file = { key, number: sentNumber, claim };
  const state = await ask(c, conversationId, (stub) =>
    stub.fileState(file, reader).catch((error: unknown) => {
      if (!lacksMethod(error, "fileState")) throw error;
      return stateBefore(stub, reader);
    }),
  );
  if (!state.ok) refuse(reader ? "not_a_member" : "file_not_found");
  if (state.value === "deleted") refuse("file_not_found");
  if (state.value === "unsent" && reader) refuse("not_a_member");
}

/** The answer of an object that runs the previous version: it only knows who is a member. */
async function stateBefore(
  stub: ConversationStub,
  reader: Actor | null,
): ReturnType<ConversationStub["fileState"]> {
  if (!reader) return ok("carried");
  const answer = await stub.members(reader, { page: 1, pageSize: 1 });
  return answer.ok ? ok("carried") : answer;
}
