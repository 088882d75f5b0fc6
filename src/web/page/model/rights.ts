import type { Conversation } from "../../../client/conversation.ts";
import type { WireMember } from "../../../client/received.ts";
import { momentOf } from "./time.ts";

/** What the page offers. The server decides: what has changed meanwhile is refused. */

type Standing = Pick<Conversation, "info" | "you" | "members">;

/** The user's role, as it is now. */
export function roleIn({ you, members }: Standing): WireMember["role"] | undefined {
  return (you && members.get(you.userId)?.role) ?? you?.role;
}

/** Whether the user is an owner or moderator of a group or channel. */
export function moderatesIn(conversation: Standing): boolean {
  const kind = conversation.info?.kind;
  const role = roleIn(conversation);
  return (kind === "group" || kind === "channel") && (role === "owner" || role === "moderator");
}

/** Whether the user may remove, mute or ban a member: owners everybody else, moderators those who are none. */
export function outranks(conversation: Standing, member: WireMember | undefined): boolean {
  if (!moderatesIn(conversation) || member?.userId === conversation.you?.userId) return false;
  const role = member?.role ?? "member";
  return role !== "owner" && (roleIn(conversation) === "owner" || role === "member");
}

/** Until when a member may only read; `undefined`: they may write. */
export function mutedUntil(member: WireMember | undefined): Date | undefined {
  const until = new Date(member?.mutedUntil ?? 0);
  return until.getTime() > Date.now() ? until : undefined;
}

/** Why the user cannot write now; `undefined`: they can. */
export function silenceOf(conversation: Standing): string | undefined {
  const { info, you, members } = conversation;
  if (info?.archivedAt != null) return "This channel is archived: it can only be read.";
  if (info?.locked && !moderatesIn(conversation)) return "Only moderators can write here.";
  const until = mutedUntil(members.get(you?.userId ?? ""));
  return until && `You can only read here until ${momentOf(until)}.`;
}
