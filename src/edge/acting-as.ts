import type { Context } from "hono";
import { botById } from "../directory/bots.ts";
import { directoryOf } from "../directory/directory.ts";
import type { Person } from "../domain/conversation.ts";
import { isUserId, normalizedUserId } from "../domain/person.ts";
import { type Actor, isService } from "../domain/policy.ts";
import { isBanned } from "./bans.ts";
import type { EdgeEnv } from "./context.ts";
import { refuse } from "./refusal.ts";

/** The header in which a service names the bot that it writes as: its id, percent-encoded. */
export const ACTING_AS = "Acting-As";

/** What is known of a bot is read anew after this; whoever logs in with its id is none any more. */
const KNOWN_MS = 10_000;
const KNOWN_MAX = 1_000;

/** Where a service may act as a bot: sending, with files or without, and joining a channel. Nothing that reads. */
const ROUTES: readonly (readonly [method: string, path: RegExp])[] = [
  ["POST", /^\/api\/v1\/chat\/messages(\/upload|\/with-attachments)?\/?$/],
  ["PUT", /^\/api\/v1\/chat\/uploads\/?$/],
  ["POST", /^\/api\/v1\/chat\/channels\/[^/]+\/join\/?$/],
  ["POST", /^\/api\/chat\/[^/]+\/messages(\/file)?\/?$/],
];

const known = new Map<string, { bot: Person; at: number }>();

/**
 * Who acts in a request: the bearer of its token or, where a service names one, a bot, which has the rights of
 * an ordinary user. Refuses people, whoever else names a bot, and other routes. Reads one row of D1, at most
 * every ten seconds for each bot and isolate.
 */
export async function actingIn(c: Context<EdgeEnv>, bearer: Actor): Promise<Actor> {
  const named = c.req.header(ACTING_AS);
  if (named === undefined) return bearer;
  if (!isService(bearer)) refuse("forbidden", { message: "Only a service acts as a bot." });
  const { method, path } = c.req;
  if (!ROUTES.some(([allowed, pattern]) => allowed === method && pattern.test(path))) {
    refuse("forbidden", {
      message: "A service acts as a bot where it sends or joins, nowhere else.",
    });
  }
  const id =
    userIdIn(named) ?? refuse("invalid_request", { message: `${ACTING_AS}: not a user id.` });
  const bot = (await botNamed(c, id)) ?? refuse("forbidden", { message: "There is no such bot." });
  if (await isBanned(c.env, id, (work) => c.executionCtx.waitUntil(work))) refuse("banned");
  return { ...bearer, ...bot, role: "user" };
}

/** Whether a service acts as a bot: it is not told who has read what the bot has sent. */
export function isActingAsBot(c: Context<EdgeEnv>): boolean {
  return c.req.header(ACTING_AS) !== undefined;
}

async function botNamed(c: Context<EdgeEnv>, id: string): Promise<Person | undefined> {
  const now = Date.now();
  const before = known.get(id);
  if (before && Math.abs(now - before.at) < KNOWN_MS) return before.bot;
  // Only bots are kept: one that was provisioned just now may act at once.
  known.delete(id);
  const bot = await botById(directoryOf(c.env.DB), id);
  if (!bot) return undefined;
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(id, { bot, at: now });
  return bot;
}

function userIdIn(header: string): string | undefined {
  try {
    const id = decodeURIComponent(header);
    return isUserId(id) ? normalizedUserId(id) : undefined;
  } catch {
    return undefined;
  }
}
