import type { Member } from "../../../domain/conversation.ts";
import { FEATURES, type Feature } from "../../../live/version.ts";
import type { ConnectionIdentity } from "../../identity.ts";
import type { OpenConversation } from "../../open.ts";
import { unreadOf } from "../../queries/unread.ts";
import { type Cursor, helloFor, syncFor } from "./sync.ts";
import type { Page } from "./view.ts";

/** The first events of a member's new session: `hello`, and a `sync` from where the client is. */
export function greetingFor(
  open: OpenConversation,
  member: Member,
  { origin }: Pick<ConnectionIdentity, "origin">,
  features: readonly Feature[],
  cursor: Cursor,
): { hello: string; page: Page } {
  const { sql, memory, epoch, sessions, limits } = open;
  const { userId } = member;
  const isAhead = cursor.epoch === epoch && (cursor.since ?? 0) > memory.counters.rev;
  if (isAhead) open.projector.compare();
  const you = { member, unread: unreadOf(sql, memory, member) };
  const greeting = helloFor(memory, epoch, you, sessions.online(userId), sessions.size, limits);
  const hello = JSON.stringify({ ...greeting, ...(features.length > 0 && { features }) });
  return { hello, page: syncFor(open.viewFor(userId, origin), cursor, userId) };
}

/** The features of a list as a client writes it, as far as they exist. */
export function featuresOf(text: string | null): Feature[] {
  const asked = new Set(text?.split(","));
  return FEATURES.filter((feature) => asked.has(feature));
}
