import type { Context } from "hono";
import type { Answer, Command } from "../conversation/commands.ts";
import type { ConversationStub } from "../conversation/conversation.ts";
import type { Creation } from "../conversation/create.ts";
import { usersById } from "../directory/users.ts";
import { MAX_NAMED_PARTICIPANTS, type Person } from "../domain/conversation.ts";
import type { Env } from "../env.ts";
import type { RestEnv } from "./context.ts";
import { Refusal, unwrapped } from "./refusal.ts";

/** Where a conversation is created when its creator is on a continent. */
const HINTS: Partial<Record<string, DurableObjectLocationHint>> = {
  AF: "afr",
  AS: "apac",
  EU: "weur",
  NA: "enam",
  OC: "oc",
  SA: "sam",
};

/** The object of a conversation; `hint` counts where the object does not exist yet. */
export function conversationOf(
  env: Env,
  conversationId: string,
  hint?: DurableObjectLocationHint,
): ConversationStub {
  const stub: unknown = env.CONVERSATIONS.getByName(conversationId, hint && { locationHint: hint });
  return stub as ConversationStub;
}

/**
 * Asks a conversation something that may be asked twice, and does so once more, of a fresh stub, when
 * the platform says that this can help (a deploy, a moved object). Never when it is overloaded.
 */
export async function ask<T>(
  env: Env,
  conversationId: string,
  question: (stub: ConversationStub) => Promise<T>,
): Promise<T> {
  try {
    return await question(conversationOf(env, conversationId));
  } catch (error) {
    const flags = error as { retryable?: boolean; overloaded?: boolean };
    if (flags.retryable !== true || flags.overloaded === true) throw error;
    return question(conversationOf(env, conversationId));
  }
}

/** Creates a conversation near its creator; `false` when it existed. */
export async function create(
  c: Context<RestEnv>,
  conversationId: string,
  creation: Creation,
): Promise<boolean> {
  const continent = c.req.raw.cf?.continent;
  const hint = typeof continent === "string" ? HINTS[continent] : undefined;
  const stub = conversationOf(c.env, conversationId, hint);
  const { created, listed } = await stub.create(creation);
  if (!listed) warnOfLists(c);
  return created;
}

/**
 * Has a conversation carry out a command, and waits until the lists show it. Throws what it refuses.
 * Only what comes back unharmed from being done twice is tried again.
 */
export async function submit(
  c: Context<RestEnv>,
  conversationId: string,
  command: Command,
): Promise<Answer> {
  const isSend = command.type === "send";
  const wait = !isSend || c.var.settings.SENDS_WAIT_FOR_LISTS;
  const carryOut = (stub: ConversationStub) => stub.submit(c.var.actor, command, wait);
  const repeatable = !isSend || command.clientMessageId !== undefined;
  const { result, listed } = repeatable
    ? await ask(c.env, conversationId, carryOut)
    : await carryOut(conversationOf(c.env, conversationId));
  if (wait && result.ok && !listed) warnOfLists(c);
  const rate = result.ok ? result.value.rate : result.error.rate;
  if (rate) {
    c.header("RateLimit-Limit", String(rate.limit));
    c.header("RateLimit-Remaining", String(rate.remaining));
    c.header("RateLimit-Reset", String(Math.ceil(rate.resetMs / 1_000)));
  }
  return unwrapped(result);
}

/**
 * The people behind these ids. Unless the directory is open, one who is not known is refused, and
 * named, in the terms of the dialect.
 */
export async function peopleOf(c: Context<RestEnv>, userIds: readonly string[]): Promise<Person[]> {
  const known = await usersById(c.var.directory, userIds);
  const unknown = userIds.filter((userId) => !known.has(userId));
  if (unknown.length > 0 && c.var.settings.USER_DIRECTORY === "known") {
    const named = unknown.slice(0, MAX_NAMED_PARTICIPANTS).join(", ");
    throw new Refusal({ code: "unknown_user", message: `Not known here: ${named}.` });
  }
  return userIds.map((userId) => known.get(userId) ?? { userId, name: null, avatarUrl: null });
}

/** The caller as a person. */
export function callerOf(c: Context<RestEnv>): Person {
  const { userId, name, avatarUrl } = c.var.actor;
  return { userId, name, avatarUrl };
}

function warnOfLists(c: Context<RestEnv>): void {
  c.header("Warning", '199 parley "lists may not show this yet"');
}
