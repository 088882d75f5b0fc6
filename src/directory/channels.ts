import { and, desc, eq, isNull } from "drizzle-orm";
import type { Role } from "../domain/conversation.ts";
import type { Directory } from "./directory.ts";
import { conversations, isPublicChannel, members } from "./schema.ts";

/** A channel in a list. */
export interface ListedChannel {
  channelId: string;
  name: string | null;
  description: string | null;
  visibility: "public" | "private";
  ownerId: string;
  memberCount: number;
  createdAt: number;
  archivedAt: number | null;
}

const LISTED = {
  channelId: conversations.id,
  name: conversations.title,
  description: conversations.description,
  visibility: conversations.visibility,
  ownerId: conversations.createdBy,
  memberCount: conversations.memberCount,
  createdAt: conversations.createdAt,
  archivedAt: conversations.archivedAt,
};

/** Public channels that are open, newest first. */
export function publicChannels(
  directory: Directory,
  page: { limit: number; offset: number },
): Promise<ListedChannel[]> {
  return directory
    .select(LISTED)
    .from(conversations)
    .where(isPublicChannel(conversations))
    .orderBy(desc(conversations.createdAt))
    .limit(page.limit)
    .offset(page.offset);
}

/** A member's channels with their role, newest first. */
export function channelsOf(
  directory: Directory,
  userId: string,
  page: { limit: number; offset: number },
): Promise<(ListedChannel & { role: Role })[]> {
  return directory
    .select({ ...LISTED, role: members.role })
    .from(members)
    .innerJoin(conversations, eq(conversations.id, members.conversationId))
    .where(
      and(eq(members.userId, userId), isNull(members.leftAt), eq(conversations.kind, "channel")),
    )
    .orderBy(desc(conversations.createdAt), conversations.id)
    .limit(page.limit)
    .offset(page.offset);
}
