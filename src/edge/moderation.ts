import type { Context } from "hono";
import type { z } from "zod";
import type { bansSchema, moderationBody, pinsSchema } from "../contract/moderation.ts";
import type { Command } from "../conversation/decide/types.ts";
import { usersById } from "../directory/users.ts";
import type { Kind } from "../domain/conversation.ts";
import { messageIdOf } from "../domain/id.ts";
import type { PageOf } from "../domain/page.ts";
import { isoTime, isoTimeOrNull } from "../live/wire.ts";
import type { EdgeEnv } from "./context.ts";
import { ask } from "./conversations.ts";
import { unwrapped } from "./refusal.ts";

/** What both dialects ask of conversations about moderation. */

/** The command of a body. */
export function updateOf({
  title,
  slowModeSeconds,
  locked,
  retentionDays,
}: z.output<typeof moderationBody>): Extract<Command, { type: "update" }> {
  const newTitle = title === undefined ? undefined : title || null;
  return { type: "update", title: newTitle, slowModeSeconds, locked, retentionDays };
}

/** A page of the people who are banned now, with their names; `kinds`: those that have the address. */
export async function bansOf(
  c: Context<EdgeEnv>,
  conversationId: string,
  page: PageOf,
  kinds?: readonly Kind[],
): Promise<z.infer<typeof bansSchema>> {
  const actor = { ...c.get("actor"), ...(kinds && { kinds }) };
  const bans = unwrapped(await ask(c, conversationId, (stub) => stub.bans(actor, page)));
  const people = await usersById(
    c.get("directory"),
    bans.map(({ userId }) => userId),
  );
  return {
    items: bans.map(({ userId, bannedBy, bannedAt, until, reason }) => ({
      ...{ userId, name: people.get(userId)?.name ?? null, bannedBy },
      ...{ bannedAt: isoTime(bannedAt), expiresAt: isoTimeOrNull(until), reason },
    })),
  };
}

/** The pinned messages, the one that was pinned last first. */
export async function pinsOf(
  c: Context<EdgeEnv>,
  conversationId: string,
): Promise<z.infer<typeof pinsSchema>> {
  const pins = unwrapped(await ask(c, conversationId, (stub) => stub.pins(c.get("actor"))));
  return {
    items: pins.map(({ number, pinnedBy, pinnedAt }) => ({
      messageId: messageIdOf(conversationId, number),
      ...{ pinnedBy, pinnedAt: isoTime(pinnedAt) },
    })),
  };
}
