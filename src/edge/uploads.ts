import type { Context } from "hono";
import { Admission } from "../attachments/admission.ts";
import { Allowance } from "../attachments/allowance.ts";
import { type FileSink, receiveForm } from "../attachments/form.ts";
import { type Permit, receiveBody, Upload } from "../attachments/upload.ts";
import type { Answer, Command } from "../conversation/decide/types.ts";
import { directoryOf } from "../directory/directory.ts";
import { type Attachment, fileNameOf } from "../domain/attachment.ts";
import type { Result } from "../domain/error.ts";
import { MAX_FILE_BYTES } from "../domain/file-size.ts";
import type { Env } from "../env.ts";
import type { EdgeEnv } from "./context.ts";
import { ask } from "./conversations.ts";
import { refuse, unwrapped } from "./refusal.ts";

type Send = Extract<Command, { type: "send" }>;

/** What is under way in this isolate. */
const admission = new Admission();

/**
 * Runs an upload of the caller's: refused before a byte is read when there are too many at once or the
 * hourly allowance is used up. Sees it through although the caller may go away in the middle: without
 * this, the platform would cut off the removal of what is half there.
 */
export function admitted<T>(
  c: Context<EdgeEnv>,
  work: (permit: Permit) => Promise<Result<T>>,
): Promise<Result<T>> {
  const running = runAdmitted(c, work);
  c.executionCtx.waitUntil(running.catch(() => undefined));
  return running;
}

async function runAdmitted<T>(
  c: Context<EdgeEnv>,
  work: (permit: Permit) => Promise<Result<T>>,
): Promise<Result<T>> {
  const settings = c.get("settings");
  const actor = c.get("actor");
  const length = c.req.header("Content-Length");
  const declared = length === undefined ? undefined : Number(length);
  const isLimited = settings.REQUEST_LIMITS && actor.role !== "admin";
  const place = admission.enter(isLimited ? actor.userId : undefined, declared, Date.now());
  if (!place.ok) return place;
  try {
    const allowance = new Allowance(
      isLimited
        ? {
            directory: directoryOf(c.env.DB),
            userId: actor.userId,
            megabytes: settings.UPLOAD_MEGABYTES_PER_HOUR,
          }
        : undefined,
    );
    const refused = await allowance.cover(Math.min(declared ?? 0, MAX_FILE_BYTES));
    if (refused) return { ok: false, error: refused };
    return await work({ place: place.value, allowance });
  } finally {
    admission.leave(place.value);
  }
}

/** Takes in a file of the caller's, to be sent later. */
export function uploadFor(c: Context<EdgeEnv>, name: string, permit: Permit): Upload {
  return new Upload({
    bucket: c.env.FILES,
    directory: directoryOf(c.env.DB),
    ownerId: c.get("actor").userId,
    name,
    now: Date.now(),
    permit,
  });
}

/** The name of a file that comes without a form. */
export function fileName(text: string): string {
  return unwrapped(fileNameOf(text));
}

/** Voids a claim on uploads in the conversation that it was made for. */
export function voidClaimIn(env: Env): (conversationId: string, claim: string) => Promise<boolean> {
  return (conversationId, claim) => ask({ env }, conversationId, (stub) => stub.voidClaim(claim));
}

/**
 * Looks at a send before anything of it is stored: refuses a caller who may not send here, and finds
 * what was sent under the same key. `undefined`: nothing was.
 */
export async function precheckSend(
  c: Context<EdgeEnv>,
  conversationId: string,
  command: Send,
): Promise<Result<Answer> | undefined> {
  return unwrapped(await ask(c, conversationId, (stub) => stub.precheck(c.get("actor"), command)));
}

/** What a form that sends one file says beside it. */
export interface FileForm {
  attachment: Attachment;
  content: string | undefined;
  replyToMessageId: string | undefined;
  clientMessageId: string | undefined;
  /** A list of user ids as JSON. */
  mentions: string | undefined;
  mentionsAll: string | undefined;
  silent: string | undefined;
}

/** Takes in a body that is the file itself. */
export async function fileBody(c: Context<EdgeEnv>, name: string): Promise<Attachment> {
  // Refused by its size first, so that no allowance is charged.
  if (Number(c.req.header("Content-Length") ?? 0) > MAX_FILE_BYTES) refuse("file_too_large");
  const { body } = c.req.raw;
  return unwrapped(await admitted(c, (permit) => receiveBody(body, uploadFor(c, name, permit))));
}

/** Reads a form with one file, which by the time this resolves is where the sink puts it. */
export async function fileForm(
  c: Context<EdgeEnv>,
  sinkFor: (name: string, permit: Permit) => FileSink,
): Promise<FileForm> {
  const received = await admitted(c, (permit) =>
    receiveForm(c.req.raw, (name) => sinkFor(name, permit)),
  );
  const { attachment, fields } = unwrapped(received);
  return {
    attachment,
    content: fields.get("content"),
    // A field that was left empty is as if it were not there.
    replyToMessageId: fields.get("replyToMessageId") || undefined,
    clientMessageId: fields.get("clientMessageId") || undefined,
    mentions: fields.get("mentions") || undefined,
    mentionsAll: fields.get("mentionsAll") || undefined,
    silent: fields.get("silent") || undefined,
  };
}
