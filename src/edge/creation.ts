import type { Context } from "hono";
import type { Creation } from "../conversation/commit/create.ts";
import type { Dialect, Kind, Person } from "../domain/conversation.ts";
import { conversationIdOf, KEY_BYTES } from "../domain/id.ts";
import { isService } from "../domain/policy.ts";
import { clientMessageId } from "../live/fields.ts";
import type { EdgeEnv } from "./context.ts";
import { callerOf, create, peopleOf } from "./conversations.ts";
import { ensureDerived } from "./derived.ts";
import { refuse } from "./refusal.ts";
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

/**
 * For whom a conversation is created, who owns it if it has an owner: the caller or, where a service creates it,
 * the person it names. Nobody else names one.
 */
export async function ownerOf(c: Context<EdgeEnv>, ownerId: string | undefined): Promise<Person> {
  const actor = c.get("actor");
  if (!isService(actor)) {
    if (ownerId === undefined || ownerId === actor.userId) return callerOf(c);
    refuse("forbidden", { message: "Only a service creates conversations for others." });
  }
  if (ownerId === undefined) {
    refuse("invalid_participants", { message: "A service names whose conversation it is." });
  }
  const [owner] = await peopleOf(c, [ownerId]);
  return owner ?? refuse("unknown_user");
}

/**
 * Creates a conversation with an unguessable id, and resolves to it. What a service creates under an
 * `Idempotency-Key` has an id that follows from the key and the creation, so that a retry finds it.
 */
export async function createNew(c: Context<EdgeEnv>, creation: Creation): Promise<string> {
  const key = c.req.header("Idempotency-Key");
  const actor = c.get("actor");
  if (key === undefined || !isService(actor)) {
    const conversationId = randomConversationId();
    await create(c, conversationId, creation);
    return conversationId;
  }
  if (!clientMessageId.safeParse(key).success) {
    const message = "printable ASCII without spaces, at most 128 characters";
    refuse("invalid_request", { details: [{ path: "Idempotency-Key", message }] });
  }
  const { members, ...rest } = creation;
  const asked = [rest, members.map(({ person, role }) => [person.userId, role])];
  const parts = ["service", actor.userId, key, JSON.stringify(asked)];
  return (await ensureDerived(c, parts, creation)).conversationId;
}

/**
 * The direct conversation of the caller, or for whom a service acts, and another person; created if it does not
 * exist.
 */
export async function ensureDirect(
  c: Context<EdgeEnv>,
  other: Person,
  dialect: Dialect,
  more: Partial<Omit<Creation, "members">> = {},
  caller = callerOf(c),
): Promise<{ conversationId: string; created: boolean }> {
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

/** Creates a group that the caller owns, or for whom a service acts. */
export async function createGroup(
  c: Context<EdgeEnv>,
  others: readonly Person[],
  more: Partial<Omit<Creation, "members">> & { origin: Dialect },
  caller = callerOf(c),
): Promise<string> {
  const strangers = await strangersAmong(
    c,
    others.map(({ userId }) => userId),
  );
  return createNew(c, {
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
}
