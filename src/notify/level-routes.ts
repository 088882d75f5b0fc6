import type { Context } from "hono";
import type { z } from "zod";
import type { notificationLevelBody, notificationLevelSchema } from "../contract/notifications.ts";
import { inboxOf } from "../conversation/stub.ts";
import type { Kind } from "../domain/conversation.ts";
import { type ChosenLevel, defaultLevel, MAX_LEVEL_MS } from "../domain/notification-level.ts";
import type { EdgeEnv } from "../edge/context.ts";
import { ask } from "../edge/conversations.ts";
import { refuse, unwrapped } from "../edge/refusal.ts";
import { isoTimeOrNull } from "../live/wire.ts";
import { unlessPrevious } from "./previous.ts";

/** Levels of notifications, for the routes of both APIs. */

type Body = z.output<typeof notificationLevelBody>;
type Answer = z.output<typeof notificationLevelSchema>;

/** The caller's level in a conversation. Refuses those who are no members. */
export async function levelOf(c: Context<EdgeEnv>, conversationId: string): Promise<Answer> {
  const kind = await kindForMembers(c, conversationId);
  const asked = inboxOf(c.env, c.get("actor").userId).notificationLevel(conversationId);
  const chosen = asked.catch(unlessPrevious("notificationLevel"));
  return present(await c.get("timing").of("object", chosen), kind);
}

/** Sets it, and answers with what it is then. */
export async function setLevel(
  c: Context<EdgeEnv>,
  conversationId: string,
  body: Body,
): Promise<Answer> {
  const chosen = chosenIn(body);
  const kind = await kindForMembers(c, conversationId);
  const inbox = inboxOf(c.env, c.get("actor").userId);
  const set = inbox
    .setNotificationLevel(conversationId, kind, chosen)
    .catch(unlessPrevious("setNotificationLevel"));
  return present(unwrapped(await c.get("timing").of("object", set)), kind);
}

function chosenIn({ level, until }: Body): ChosenLevel | undefined {
  if (level === "default") return undefined;
  if (until === undefined) return { level, until: null };
  const time = Date.parse(until);
  const fromNow = time - Date.now();
  if (!(fromNow > 0 && fromNow <= MAX_LEVEL_MS)) {
    const message = "a time within the next 366 days";
    refuse("invalid_request", { details: [{ path: "until", message }] });
  }
  return { level, until: time };
}

async function kindForMembers(c: Context<EdgeEnv>, conversationId: string): Promise<Kind> {
  const actor = c.get("actor");
  const { conversation, you } = unwrapped(await ask(c, conversationId, (stub) => stub.info(actor)));
  return you ? conversation.kind : refuse("not_a_member");
}

function present(chosen: ChosenLevel | undefined, kind: Kind): Answer {
  const usual = defaultLevel(kind);
  return {
    level: chosen?.level ?? usual,
    until: isoTimeOrNull(chosen?.until ?? null),
    default: usual,
  };
}
