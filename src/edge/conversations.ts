import type { Context } from "hono";
import type {
  ConversationStub,
  FileToSend,
  SubmitOptions,
  Submitted,
} from "../conversation/api.ts";
import type { Creation } from "../conversation/commit/create.ts";
import type { Answer, Command } from "../conversation/decide/types.ts";
import { lacksMethod } from "../conversation/rpc-versions.ts";
import { conversationOf } from "../conversation/stub.ts";
import { isDeleted } from "../directory/deleted-conversations.ts";
import { peopleById } from "../directory/users.ts";
import type { Kind, Person } from "../domain/conversation.ts";
import type { Receipt } from "../domain/message.ts";
import { isErasedUserId } from "../domain/person.ts";
import { type Actor, isService } from "../domain/policy.ts";
import type { Env } from "../env.ts";
import { moderatedCreation } from "./before-create.ts";
import { blocksOfCreation, blocksOfEntry, isAcross } from "./contact.ts";
import type { EdgeEnv } from "./context.ts";
import { isRetryable } from "./failure.ts";
import { costsOf, spendHourly } from "./hourly-limits.ts";
import { isLimited } from "./limiter.ts";
import { refuse, unwrapped } from "./refusal.ts";
import type { Timing } from "./timing.ts";

/** Where a conversation is created, by the continent of its creator. */
const HINTS: Partial<Record<string, DurableObjectLocationHint>> = {
  AF: "afr",
  AS: "apac",
  EU: "weur",
  NA: "enam",
  OC: "oc",
  SA: "sam",
};

/** Commands that may be carried out twice without a different result. */
const IDEMPOTENT = new Set<Command["type"]>([
  ...(["edit", "delete", "read", "react"] as const),
  ...(["invite", "update", "close", "reopen", "accept"] as const),
  ...(["pin", "ban", "mute", "unmute"] as const),
]);

type Send = Extract<Command, { type: "send" }>;

/** A request, or the cron, which has no answer to write a timing into. */
type Asker = { env: Env; get?: (key: "timing") => Timing | undefined };

/**
 * Makes an idempotent call of a conversation, and retries it once with a new stub when the platform
 * marks the error as retryable (a deploy, a moved object). Never when the object is overloaded.
 */
export async function ask<T>(
  asker: Asker,
  conversationId: string,
  call: (stub: ConversationStub) => Promise<T>,
  stub = conversationOf(asker.env, conversationId),
): Promise<T> {
  const timing = asker.get?.("timing");
  const asked = call(stub).catch((error: unknown) => {
    if (!isRetryable(error)) throw error;
    return call(conversationOf(asker.env, conversationId));
  });
  return timing ? timing.of("object", asked) : asked;
}

/**
 * Creates a conversation near its creator; `false` if it existed. Only creation counts against the
 * caller's hourly limits, and is refused between people who block each other: where the conversation
 * may exist, its object is asked first. `beforehand` comes last before the creation, and may refuse it.
 */
export async function create(
  c: Context<EdgeEnv>,
  conversationId: string,
  creation: Creation,
  beforehand?: () => Promise<void>,
): Promise<boolean> {
  const created = await createUnlessTaken(
    c,
    conversationId,
    creation,
    { isSpent: false },
    beforehand,
  );
  return created ?? false;
}

/**
 * The same; `undefined`: the id was another conversation's, which was deleted or of which they are not the members.
 * Several attempts with one `spent` count once against the limits.
 */
export async function createUnlessTaken(
  c: Context<EdgeEnv>,
  conversationId: string,
  creation: Creation,
  spent: { isSpent: boolean },
  beforehand?: () => Promise<void>,
): Promise<boolean | undefined> {
  const continent = c.req.raw.cf?.continent;
  const hint = typeof continent === "string" ? HINTS[continent] : undefined;
  const stub = conversationOf(c.env, conversationId, hint);
  const [blocks, isGone] = await Promise.all([
    blocksOfCreation(c, conversationId, creation),
    hasDerivedId(creation.kind) && isDeleted(c.get("directory"), conversationId),
  ]);
  if (isGone) return undefined;
  const isRefused = isAcross(blocks, creation.createdBy);
  const isFound =
    (isLimited(c) || isRefused) &&
    hasDerivedId(creation.kind) &&
    (await exists(c, conversationId, stub));
  if (isRefused && !isFound) refuse("cannot_contact");
  if (!isFound && !spent.isSpent) {
    await spendHourly(c, costsOf(creation));
    spent.isSpent = true;
  }
  const moderated = await moderatedCreation(c, conversationId, creation);
  await beforehand?.();
  const act = isService(c.get("actor")) ? actOf(c.get("actor"), creation) : undefined;
  const created = stub.create({ ...moderated, blocks, ...(act && { act }) });
  const { created: isNew, listed, notTheirs } = await c.get("timing").of("object", created);
  if (notTheirs) return undefined;
  if (!listed) warnOfLists(c);
  return isNew;
}

/** What the audit log has of a creation by a service. */
function actOf({ userId, role }: Actor, { kind, createdBy, members }: Creation): Creation["act"] {
  const details = { kind, memberIds: members.map(({ person }) => person.userId) };
  return {
    ...{ at: Date.now(), actorId: userId, actorRole: role, action: "conversation.create" },
    ...{ targetId: createdBy, details },
  };
}

/** Kinds whose id is derived from the people and the subject, so that they may exist already. */
function hasDerivedId(kind: Kind): boolean {
  return kind === "direct" || kind === "purchase-request";
}

/** Whether a conversation exists, including one that D1 does not have yet. */
async function exists(
  c: Context<EdgeEnv>,
  conversationId: string,
  stub: ConversationStub,
): Promise<boolean> {
  const info = await ask(c, conversationId, (stub) => stub.info(c.get("actor")), stub);
  return info.ok || info.error.code !== "conversation_not_found";
}

/**
 * Sends a command to a conversation and waits until the lists show it. Throws a refusal. `kinds`: those that
 * the address has; to it, others do not exist.
 */
export async function submit(
  c: Context<EdgeEnv>,
  conversationId: string,
  command: Command,
  options: { readers?: boolean; kinds?: readonly Kind[] } = {},
): Promise<Answer & { readers: Receipt[] }> {
  const { kinds } = options;
  const actor = { ...c.get("actor"), ...(kinds && { kinds }) };
  const entry = await withBlocks(c, conversationId, actor, command);
  const wait = command.type !== "send" || c.get("settings").SENDS_WAIT_FOR_LISTS;
  const submitOptions = { wait, readers: options.readers ?? false };
  const submitted = await carryOut(c, conversationId, actor, entry, submitOptions);
  return answerOf(c, submitted, wait);
}

/**
 * The command with the blocks of who enters. Refuses an addition or invitation between people who block each
 * other, and one beyond the caller's hourly limit; other errors come first, and do not count.
 */
async function withBlocks(
  c: Context<EdgeEnv>,
  conversationId: string,
  actor: Actor,
  command: Command,
): Promise<Command> {
  if (command.type !== "add" && command.type !== "invite" && command.type !== "join") {
    return command;
  }
  const blocks = await blocksOfEntry(c, conversationId, command);
  if (command.type === "join") return { ...command, blocks };
  const isRefused = isAcross(blocks, actor.userId);
  if (isLimited(c) || isRefused) {
    unwrapped(await ask(c, conversationId, (stub) => stub.precheck(actor, command)));
  }
  if (isRefused) refuse("cannot_contact");
  await spendHourly(c, { additions_per_hour: 1 });
  return command.type === "add" ? { ...command, blocks } : command;
}

/**
 * Sends a message with files that were uploaded before, in one call of the object. An object that still
 * runs a version without this call, as for about a minute after a deploy, is `unavailable`: nothing was
 * sent, and a retry works.
 */
export async function sendFiles(
  c: Context<EdgeEnv>,
  conversationId: string,
  command: Send,
  files: readonly FileToSend[],
  options: { readers?: boolean } = {},
): Promise<Answer & { readers: Receipt[] }> {
  const wait = c.get("settings").SENDS_WAIT_FOR_LISTS;
  const submitOptions = { wait, readers: options.readers ?? false };
  const claims: string[] = [];
  const send = (stub: ConversationStub) => {
    const claim = crypto.randomUUID();
    const earlierClaims = [...claims];
    claims.push(claim);
    return stub
      .sendWithFiles(c.get("actor"), command, { files, claim, earlierClaims }, submitOptions)
      .catch((error: unknown) => {
        if (lacksMethod(error, "sendWithFiles")) refuse("unavailable");
        throw error;
      });
  };
  const stub = conversationOf(c.env, conversationId);
  const sent = isIdempotent(command)
    ? ask(c, conversationId, send, stub)
    : c.get("timing").of("object", send(stub));
  return answerOf(c, await sent, wait);
}

/** The answer to a command, with what the response's headers say of it. Throws what was refused. */
function answerOf(
  c: Context<EdgeEnv>,
  { result, listed, readers }: Submitted,
  wait: boolean,
): Answer & { readers: Receipt[] } {
  if (wait && result.ok && !listed) warnOfLists(c);
  const rate = result.ok ? result.value.rate : result.error.rate;
  if (rate) {
    c.header("RateLimit-Limit", String(rate.limit));
    c.header("RateLimit-Remaining", String(rate.remaining));
    c.header("RateLimit-Reset", String(Math.ceil(rate.resetMs / 1_000)));
  }
  return { ...unwrapped(result), readers };
}

/**
 * Sends a command to a conversation, by the given stub if any: calls of one stub arrive in order.
 * Only idempotent commands are retried.
 */
export function carryOut(
  asker: Asker,
  conversationId: string,
  actor: Actor,
  command: Command,
  options: SubmitOptions,
  stub = conversationOf(asker.env, conversationId),
): Promise<Submitted> {
  const submitTo = (stub: ConversationStub) => stub.submit(actor, command, options);
  if (isIdempotent(command)) return ask(asker, conversationId, submitTo, stub);
  const submitted = submitTo(stub);
  return asker.get?.("timing")?.of("object", submitted) ?? submitted;
}

/**
 * The same for several commands, in order and in one call, which is retried only if all of them are
 * idempotent.
 */
export async function carryOutAll(
  asker: Asker,
  conversationId: string,
  actor: Actor,
  commands: readonly Command[],
  options: SubmitOptions,
  stub = conversationOf(asker.env, conversationId),
): Promise<Submitted[]> {
  const [command] = commands;
  if (command && commands.length === 1) {
    return [await carryOut(asker, conversationId, actor, command, options, stub)];
  }
  const submitTo = (stub: ConversationStub) => stub.submitAll(actor, commands, options);
  return commands.every(isIdempotent) ? ask(asker, conversationId, submitTo, stub) : submitTo(stub);
}

function isIdempotent(command: Command): boolean {
  return command.type === "send"
    ? command.clientMessageId !== undefined
    : IDEMPOTENT.has(command.type);
}

/** The people with these ids: known ones or, with an open directory, all; never services. */
export async function peopleAmong(
  c: Context<EdgeEnv>,
  userIds: readonly string[],
): Promise<Person[]> {
  const { people, services } = await peopleById(c.get("directory"), userIds);
  const open = c.get("settings").USER_DIRECTORY === "open";
  return userIds.flatMap((userId) => {
    const person = people.get(userId);
    if (person) return [person];
    if (!open || services.has(userId) || isErasedUserId(userId)) return [];
    return [{ userId, name: null, avatarUrl: null }];
  });
}

/** The people with these ids; refuses unknown ones by name. */
export async function peopleOf(c: Context<EdgeEnv>, userIds: readonly string[]): Promise<Person[]> {
  const people = await peopleAmong(c, userIds);
  if (people.length < userIds.length) {
    const known = new Set(people.map((person) => person.userId));
    const unknown = userIds.filter((userId) => !known.has(userId));
    refuse("unknown_user", { message: `Not known here: ${unknown.join(", ")}.` });
  }
  return people;
}

/** The caller as a person. */
export function callerOf(c: Context<EdgeEnv>): Person {
  const { userId, name, avatarUrl } = c.get("actor");
  return { userId, name, avatarUrl };
}

function warnOfLists(c: Context<EdgeEnv>): void {
  c.header("Warning", '199 parley "lists may not show this yet"');
}
