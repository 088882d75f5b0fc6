import type { Block } from "../domain/block.ts";
import { fail, ok, type Result } from "../domain/error.ts";
import { type Hides, receiptsShownTo, shownTo } from "../domain/hides.ts";
import { type Actor, admissionRefusal } from "../domain/policy.ts";
import type { FilesToSend, SubmitOptions, Submitted } from "./api.ts";
import { BLOCKING } from "./decide/blocks.ts";
import type { Answer, Command } from "./decide/types.ts";
import type { OpenConversation } from "./open.ts";
import { answered, logStaffAccess } from "./queries/access.ts";
import { READERS_MAX, readersOf } from "./tables/receipts.ts";

/** Commands that come by RPC. */

/** How long a REST write waits at most until the lists show it. */
export const LISTS_TIMEOUT_MS = 250;

const NOT_FOUND: Submitted = {
  result: fail("conversation_not_found"),
  listed: false,
  readers: [],
};

/** Carries out the commands of one person, in order and in one commit, as far as a group holds them. */
export async function submitAll(
  open: OpenConversation | undefined,
  actor: Actor,
  commands: readonly Command[],
  options: SubmitOptions,
): Promise<Submitted[]> {
  if (!open) return commands.map(() => NOT_FOUND);
  const results = await open.submitAll(actor, commands);
  return Promise.all(
    commands.map((command, i) =>
      submitted(open, actor, command, results[i] ?? fail("internal"), options),
    ),
  );
}

/** Carries out one command. */
export async function submit(
  open: OpenConversation | undefined,
  actor: Actor,
  command: Command,
  options: SubmitOptions,
): Promise<Submitted> {
  if (!open) return NOT_FOUND;
  const result = await new Promise<Result<Answer>>((resolve) => {
    open.submit(actor, command, { to: "caller", resolve });
  });
  return submitted(open, actor, command, result, options);
}

/** Sends a message with files, which are reserved first and released when it is refused. */
export async function submitWithFiles(
  open: OpenConversation | undefined,
  actor: Actor,
  command: Extract<Command, { type: "send" }>,
  files: FilesToSend,
  options: SubmitOptions,
): Promise<Submitted> {
  const admitted = answered(open, actor, "send", (open) => ok(open), admissionRefusal);
  if (!admitted.ok) return { ...NOT_FOUND, result: admitted };
  const result = await admitted.value.sendWithFiles(actor, command, files);
  return submitted(admitted.value, actor, command, result, options);
}

/** Takes facts about blocks; resolves when the lists show what follows, or a moment later. */
export async function applyBlocks(open: OpenConversation, blocks: readonly Block[]): Promise<void> {
  const [result] = await open.submitAll(BLOCKING, [{ type: "blocks", blocks }]);
  if (!result?.ok) throw new Error(`blocks were not taken: ${result?.error.code}`);
  await open.projector.reached(result.value.rev, LISTS_TIMEOUT_MS);
}

/**
 * Looks at a command before it is carried out. Of a send, before its files are stored or claimed: refuses
 * a user who may not send here, and returns the outcome of an earlier identical send. Any other is refused as it
 * would be right now. `undefined`: it would be carried out.
 */
export function precheck(
  open: OpenConversation | undefined,
  actor: Actor,
  command: Command,
): Result<Result<Answer> | undefined> {
  if (command.type === "send") return precheckSend(open, actor, command);
  if (!open) return fail("conversation_not_found");
  return open.refusalOf(actor, command) ?? ok(undefined);
}

/** Who may not write right now may still ask what an earlier send came to. */
function precheckSend(
  open: OpenConversation | undefined,
  actor: Actor,
  command: Extract<Command, { type: "send" }>,
): Result<Result<Answer> | undefined> {
  return answered<Result<Answer> | undefined>(
    open,
    actor,
    "send",
    (open) => {
      const before = open.sentBefore(actor, command);
      if (!before) return open.restrictionOf(actor) ?? ok(undefined);
      if (!before.ok) return ok(before);
      return ok(ok(answerShownTo(before.value, open.hidesOf(actor.userId))));
    },
    admissionRefusal,
  );
}

/** The answer to the caller of a command, with what the options ask for beside it. */
async function submitted(
  open: OpenConversation,
  actor: Actor,
  command: Command,
  result: Result<Answer>,
  options: SubmitOptions,
): Promise<Submitted> {
  const listed =
    options.wait && result.ok && (await open.projector.reached(result.value.rev, LISTS_TIMEOUT_MS));
  if (result.ok) logStaffAccess(open, actor, command.type);
  // A message that was sent just now has no readers.
  const isNew = command.type === "send" && result.ok && !result.value.deduplicated;
  const message = result.ok && options.readers && !isNew ? result.value.message : undefined;
  const readers = message ? readersOf(open.sql, message, READERS_MAX) : [];
  const hides = open.hidesOf(actor.userId);
  return {
    result: result.ok ? ok(answerShownTo(result.value, hides)) : result,
    ...{ listed, readers: [...receiptsShownTo(readers, hides)] },
  };
}

function answerShownTo(answer: Answer, hides: Hides): Answer {
  const { message } = answer;
  return message ? { ...answer, message: shownTo(message, hides) } : answer;
}
