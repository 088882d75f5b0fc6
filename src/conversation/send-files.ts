import { type ClaimRequest, claimFiles } from "../attachments/claims.ts";
import { directoryOf } from "../directory/directory.ts";
import { releaseClaim } from "../directory/uploads.ts";
import { ok, type Result } from "../domain/error.ts";
import type { Actor } from "../domain/policy.ts";
import type { Env } from "../env.ts";
import type { PendingCommand } from "./commit/committer.ts";
import type { Memory } from "./commit/draft.ts";
import type { Answer, Command } from "./decide/types.ts";
import { conversationOf } from "./stub.ts";

type Send = Extract<Command, { type: "send" }>;

/** What a send with files needs of an open conversation. */
interface SendingConversation {
  memory: Memory;
  clock: () => number;
  sentBefore(actor: Actor, command: Command): Result<Answer> | undefined;
  submit(actor: Actor, command: Command, reply: PendingCommand["reply"]): void;
}

/**
 * Sends a message with files that came over a socket: as over REST, they are reserved before the
 * command is queued, and given back when it is refused.
 */
export async function sendWithFiles(
  open: SendingConversation,
  env: Env,
  actor: Actor,
  command: Send,
  keys: readonly string[],
): Promise<Result<Answer>> {
  const before = open.sentBefore(actor, command);
  if (before) return before;
  const directory = directoryOf(env.DB);
  const claimed = await claimFiles({
    directory,
    ownerId: actor.userId,
    conversationId: open.memory.conversation.id,
    keys,
    now: open.clock(),
    voidClaim: voidClaimIn(env),
  });
  // The same send may have got them, at the same time.
  if (!claimed.ok) return open.sentBefore(actor, command) ?? claimed;
  const result = await new Promise<Result<Answer>>((resolve) => {
    open.submit(actor, { ...command, ...claimed.value }, { to: "caller", resolve });
  });
  if (!result.ok) await releaseClaim(directory, claimed.value.claim);
  return result.ok ? ok(result.value) : result;
}

/** Voids a claim in the conversation that it was made for, which may be this one. */
function voidClaimIn(env: Env): ClaimRequest["voidClaim"] {
  return (conversationId, claim) => conversationOf(env, conversationId).voidClaim(claim);
}
