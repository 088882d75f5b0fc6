import { claimFiles } from "../attachments/claims.ts";
import { directoryOf } from "../directory/directory.ts";
import { releaseClaim } from "../directory/uploads.ts";
import type { Attachment } from "../domain/attachment.ts";
import { type Failure, fail, type Result } from "../domain/error.ts";
import type { Actor } from "../domain/policy.ts";
import type { Env } from "../env.ts";
import { log } from "../logging.ts";
import type { FilesToSend, FileToSend } from "./api.ts";
import type { Answer, Command } from "./decide/types.ts";
import { conversationOf } from "./stub.ts";
import { voidUnlessUsed } from "./tables/files.ts";

type Send = Extract<Command, { type: "send" }>;

/** What sending files needs of an open conversation. */
export interface FileSender {
  readonly sql: SqlStorage;
  readonly clock: () => number;
  readonly memory: { readonly conversation: { readonly id: string } };
  sentBefore(actor: Actor, command: Command): Result<Answer> | undefined;
  /** Why the actor may not write right now. */
  restrictionOf(actor: Actor): Failure | undefined;
  submit(
    actor: Actor,
    command: Command,
    reply: { to: "caller"; resolve: (result: Result<Answer>) => void },
  ): void;
}

/**
 * Sends a message with files that were uploaded before, for REST and sockets alike. The files are
 * reserved in D1 before the command is queued, so that nothing is awaited between its check and its
 * write, and released when it is refused. Where this throws, or its caller never learns how it ended, the
 * reservation stays, and the next send of these files asks for its outcome.
 *
 * A send that was made before under the same key gives its answer and reserves nothing. `unavailable`:
 * D1 could not be reached, and nothing was sent.
 */
export async function sendWithFiles(
  sender: FileSender,
  env: Env,
  actor: Actor,
  command: Send,
  { files, ...attempt }: FilesToSend,
): Promise<Result<Answer>> {
  const keys = files.map(({ key }) => key);
  const send: Send = { ...command, fingerprint: command.fingerprint ?? keys.join() };
  const before = sender.sentBefore(actor, send);
  if (before) return before;
  const restricted = sender.restrictionOf(actor);
  if (restricted) return restricted;
  // An earlier call may still be under way: it must not commit what this one refuses.
  for (const claim of attempt.earlierClaims ?? []) voidUnlessUsed(sender.sql, claim);
  const directory = directoryOf(env.DB);
  const conversationId = sender.memory.conversation.id;
  const claimed = await claimFiles({
    ...{ directory, ownerId: actor.userId, conversationId, keys, now: sender.clock() },
    ...attempt,
    voidClaim: async (claimedBy, claim) =>
      claimedBy === conversationId
        ? voidUnlessUsed(sender.sql, claim)
        : conversationOf(env, claimedBy).voidClaim(claim),
  }).catch((error: unknown) => {
    log("files_failed", { conversationId, error });
    return fail("unavailable");
  });
  // The same send may have reserved them at the same time, and be committed by now.
  if (!claimed.ok) return sender.sentBefore(actor, send) ?? claimed;
  const { claim, attachments } = claimed.value;
  const result = areAsDeclared(files, attachments)
    ? await new Promise<Result<Answer>>((resolve) => {
        sender.submit(actor, { ...send, claim, attachments }, { to: "caller", resolve });
      })
    : fail("file_mismatch");
  if (!result.ok) {
    // Still reserved, they are released by the next send, which asks for the outcome of this one.
    await releaseClaim(directory, claim).catch((error: unknown) => {
      log("release_failed", { conversationId, error });
    });
  }
  return result;
}

/** Whether each file is stored with the name, size and type that its sender says it has. */
function areAsDeclared(files: readonly FileToSend[], stored: readonly Attachment[]): boolean {
  return files.every(({ key, declared }) => {
    const file = stored.find((attachment) => attachment.key === key);
    return (
      !declared ||
      (file?.name === declared.name &&
        file.size === declared.size &&
        file.mimeType === declared.mimeType)
    );
  });
}
