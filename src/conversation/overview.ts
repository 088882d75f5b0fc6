import { MAX_GROUP_MEMBERS } from "../domain/conversation.ts";
import { presentMembers } from "./log/members.ts";
import { messageAt } from "./log/messages.ts";
import { READERS_MAX, readersOf } from "./log/receipts.ts";
import type { OpenConversation } from "./open.ts";
import type { Overview } from "./stub.ts";
import { unreadOf } from "./sync.ts";

/** What a conversation is, who is in it, how far each of them has read, and its last message. */
export function overview({ sql, memory }: OpenConversation): Overview {
  const members = presentMembers(sql, MAX_GROUP_MEMBERS);
  const { lastCounted } = memory.counters;
  const message = lastCounted > 0 ? messageAt(sql, lastCounted) : undefined;
  return {
    conversation: memory.conversation,
    members,
    lastMessage: message && { message, readers: readersOf(sql, message, READERS_MAX) },
    unread: new Map(members.map((member) => [member.userId, unreadOf(sql, memory, member)])),
  };
}
