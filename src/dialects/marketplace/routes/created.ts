import type { Context } from "hono";
import type { Creation } from "../../../conversation/commit/create.ts";
import { createdAtOf } from "../../../directory/register.ts";
import type { Person, Role } from "../../../domain/conversation.ts";
import { isService } from "../../../domain/policy.ts";
import type { EdgeEnv } from "../../../edge/context.ts";
import { type Chat, presentChat } from "../presenter.ts";
import { chatOf } from "./chats.ts";

/**
 * A chat that was created or found, as its caller sees it. A service, which reads no chat, is told what it has
 * asked for, of the people whom it has named, and nothing that was said.
 */
export async function createdChat(
  c: Context<EdgeEnv>,
  chatId: string,
  creation: Omit<Creation, "members">,
  [first, ...others]: readonly [Person, ...Person[]],
): Promise<Chat> {
  if (!isService(c.get("actor"))) return chatOf(c, chatId);
  const createdAt = (await createdAtOf(c.get("directory"), chatId)) ?? Date.now();
  const memberOf = (person: Person, role: Role) => ({
    ...{ ...person, role, joinedAt: createdAt, leftAt: null, archived: false },
    ...{ readUpTo: 0, readBeyond: 0, rev: 0 },
  });
  const ownerRole: Role = creation.kind === "group" ? "owner" : "member";
  const overview = {
    conversation: { ...creation, id: chatId, rev: 0, createdAt, archivedAt: null },
    members: [memberOf(first, ownerRole), ...others.map((one) => memberOf(one, "member"))],
    lastMessage: undefined,
    unread: new Map<string, number>(),
  };
  return presentChat(overview, c.get("actor").userId, c.get("linkTo"));
}
