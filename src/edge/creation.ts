import type { Context } from "hono";
import type { Creation } from "../conversation/commit/create.ts";
import type { Dialect, Kind, Person } from "../domain/conversation.ts";
import { conversationIdOf, KEY_BYTES } from "../domain/id.ts";
import type { EdgeEnv } from "./context.ts";
import { callerOf, create } from "./conversations.ts";
import { ensureDerived } from "./derived.ts";
import { strangersAmong } from "./strangers.ts";

/** A conversation with only the required fields set. */
export function creationOf(
  kind: Kind,
  dialect: Dialect,
  creator: Person,
): Omit<Creation, "members"> {
  return {
    kind,
    origin: dialect,
    createdBy: creator.userId,
    title: null,
    description: null,
    visibility: "private",
    subject: null,
    purchaseRequestId: null,
    metadata: null,
  };
}

/** An unguessable id. */
export function randomConversationId(): string {
  return conversationIdOf(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
}

/** The direct conversation of the caller and another person, created if it does not exist. */
export async function ensureDirect(
  c: Context<EdgeEnv>,
  other: Person,
  dialect: Dialect,
  more: Partial<Omit<Creation, "members">> = {},
): Promise<{ conversationId: string; created: boolean }> {
  const caller = callerOf(c);
  const pair = [caller.userId, other.userId].sort();
  const strangers = await strangersAmong(c, pair);
  return ensureDerived(c, ["direct", ...pair], {
    ...creationOf("direct", dialect, caller),
    ...more,
    members: [caller, other].map((person) => ({
      ...{ person, role: "member" as const },
      ...(strangers.has(person.userId) && { request: true }),
    })),
  });
}

/** Creates a group that the caller owns. */
export async function createGroup(
  c: Context<EdgeEnv>,
  others: readonly Person[],
  more: Partial<Omit<Creation, "members">> & { origin: Dialect },
): Promise<string> {
  const caller = callerOf(c);
  const conversationId = randomConversationId();
  const strangers = await strangersAmong(
    c,
    others.map(({ userId }) => userId),
  );
  await create(c, conversationId, {
    ...creationOf("group", more.origin, caller),
    ...more,
    members: [
      { person: caller, role: "owner" },
      ...others.map((person) => ({
        ...{ person, role: "member" as const },
        ...(strangers.has(person.userId) && { request: true }),
      })),
    ],
  });
  return conversationId;
}
