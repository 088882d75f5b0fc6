import type { Context } from "hono";
import type { Creation } from "../conversation/commit/create.ts";
import type { Command } from "../conversation/decide/types.ts";
import { blocksAmong } from "../directory/blocks.ts";
import { directoryOf } from "../directory/directory.ts";
import type { Block } from "../domain/block.ts";
import { effectOfBlocks } from "../domain/hides.ts";
import { log } from "../logging.ts";
import type { EdgeEnv } from "./context.ts";

/** What D1 knows of blocks when people enter a conversation. */

type Entry = Extract<Command, { type: "add" | "join" | "invite" }>;

/** The blocks between the people of a new conversation; in support they do nothing. */
export async function blocksOfCreation(
  c: Context<EdgeEnv>,
  conversationId: string,
  { kind, members }: Creation,
): Promise<Block[]> {
  if (effectOfBlocks(kind) === "none" || members.length < 2) return [];
  const entering = members.map(({ person }) => person.userId);
  return await blocksAmong(directoryOf(c.env.DB), conversationId, entering);
}

/**
 * The blocks between somebody who enters a conversation and all others, with the caller also where they are not
 * in it. Without D1 a caller can still join: the conversation looks them up once D1 has them as a member.
 */
export async function blocksOfEntry(
  c: Context<EdgeEnv>,
  conversationId: string,
  command: Entry,
): Promise<Block[]> {
  const caller = c.get("actor").userId;
  const entering = command.type === "join" ? caller : enteringIn(command);
  if (entering === undefined) return [];
  const looked = blocksAmong(directoryOf(c.env.DB), conversationId, [entering, caller]);
  const found =
    command.type === "join"
      ? await looked.catch((error: unknown) => {
          log("blocks_failed", { conversationId, userId: caller, error });
          return [];
        })
      : await looked;
  return found.filter((block) => isAbout(block, entering));
}

/** Whether people block each other: the caller and somebody whom they add, invite or create a conversation with. */
export function isAcross(blocks: readonly Block[], caller: string): boolean {
  return blocks.some((block) => block.blocked && isAbout(block, caller));
}

function enteringIn(command: Extract<Entry, { type: "add" | "invite" }>): string | undefined {
  return command.type === "add" ? command.person?.userId : command.userId;
}

function isAbout({ userId, blockedId }: Block, person: string): boolean {
  return userId === person || blockedId === person;
}
