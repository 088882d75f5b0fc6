import type { Context } from "hono";
import { claimFiles } from "../attachments/claims.ts";
import { type FileSink, receiveForm } from "../attachments/form.ts";
import { Upload } from "../attachments/upload.ts";
import type { Answer, Command } from "../conversation/commands.ts";
import { directoryOf } from "../directory/directory.ts";
import { releaseClaim } from "../directory/uploads.ts";
import { type Attachment, fileNameOf } from "../domain/attachment.ts";
import type { Result } from "../domain/error.ts";
import type { Receipt } from "../domain/message.ts";
import type { Env } from "../env.ts";
import type { RestEnv } from "./context.ts";
import { ask, submit } from "./conversations.ts";
import { Refusal, unwrapped } from "./refusal.ts";

type Send = Extract<Command, { type: "send" }>;

/** Takes in a file of the caller's, to be sent later. */
export function uploadFor(c: Context<RestEnv>, name: string): Upload {
  return new Upload({
    bucket: c.env.FILES,
    directory: directoryOf(c.env.DB),
    ownerId: c.var.actor.userId,
    name,
    now: Date.now(),
  });
}

/** The name of a file that comes without a form. */
export function fileName(text: string): string {
  return unwrapped(fileNameOf(text));
}

/** Voids a claim on uploads in the conversation that it was made for. */
export function forfeitIn(env: Env): (conversationId: string, claim: string) => Promise<boolean> {
  return (conversationId, claim) => ask({ env }, conversationId, (stub) => stub.forfeit(claim));
}

/**
 * Sends a message with files that were uploaded before: looks first whether it was sent already, then
 * reserves the files, and gives them back when the conversation refuses. When nobody knows what became
 * of the send, the claim stays, and its conversation is asked about it later.
 */
export async function sendFiles(
  c: Context<RestEnv>,
  conversationId: string,
  command: Send,
  keys: readonly string[],
  options: { readers?: boolean; checked?: (attachments: readonly Attachment[]) => void } = {},
): Promise<Answer & { readers: Receipt[] }> {
  const directory = directoryOf(c.env.DB);
  const claimed = await claimFiles({
    directory,
    ownerId: c.var.actor.userId,
    conversationId,
    keys,
    now: Date.now(),
    forfeit: forfeitIn(c.env),
  });
  if (!claimed.ok) {
    // The same send may have got them, at the same time.
    const before = await foreseen(c, conversationId, command);
    return { ...unwrapped(before ?? claimed), readers: [] };
  }
  const { claim, attachments } = claimed.value;
  try {
    options.checked?.(attachments);
    return await submit(c, conversationId, { ...command, claim, attachments }, options);
  } catch (error) {
    if (error instanceof Refusal) await releaseClaim(directory, claim);
    throw error;
  }
}

/**
 * Looks at a send before anything of it is stored: refuses a caller who may not send here, and finds
 * what was sent under the same key. `undefined`: nothing was.
 */
export async function foreseen(
  c: Context<RestEnv>,
  conversationId: string,
  command: Send,
): Promise<Result<Answer> | undefined> {
  return unwrapped(await ask(c, conversationId, (stub) => stub.foreseen(c.var.actor, command)));
}

/** What a form that sends one file says beside it. */
export interface FileForm {
  attachment: Attachment;
  content: string | undefined;
  replyToMessageId: string | undefined;
  clientMessageId: string | undefined;
}

/**
 * Sees something through whose caller may go away in the middle: without this, the platform would cut
 * off the removal of what is half there.
 */
export function seenThrough<T>(c: Context<RestEnv>, work: Promise<T>): Promise<T> {
  c.executionCtx.waitUntil(work.catch(() => undefined));
  return work;
}

/** Reads a form with one file, which by the time this resolves is where the sink puts it. */
export async function fileForm(
  c: Context<RestEnv>,
  sinkFor: (name: string) => FileSink,
): Promise<FileForm> {
  const received = await seenThrough(c, receiveForm(c.req.raw, sinkFor));
  const { attachment, fields } = unwrapped(received);
  return {
    attachment,
    content: fields.get("content"),
    // A field that was left empty is as if it were not there.
    replyToMessageId: fields.get("replyToMessageId") || undefined,
    clientMessageId: fields.get("clientMessageId") || undefined,
  };
}
