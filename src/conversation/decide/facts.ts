import {
  banHolds,
  type Conversation,
  type Counters,
  type Member,
} from "../../domain/conversation.ts";
import { effectOfBlocks } from "../../domain/hides.ts";
import type { Facts } from "../../domain/policy.ts";
import type { State } from "./types.ts";

/** The facts about a user that the policy needs. Of who is a member, no ban is looked up: they have none. */
export function factsOf(
  { kind, visibility, locked }: Conversation,
  userId: string,
  member: Member | undefined,
  state: Pick<State, "clock" | "banOf" | "isBlockedOrBlocks"> & {
    counters: Pick<Counters, "memberCount">;
  },
): Facts {
  const { clock } = state;
  const isPresent = member?.leftAt === null;
  const mutedForMs = isPresent ? (member.mutedUntil ?? 0) - clock : 0;
  return {
    ...{ kind, member, isPublic: visibility === "public" },
    ...(!isPresent && banHolds(state.banOf(userId), clock) && { isBanned: true }),
    ...(mutedForMs > 0 && { mutedForMs }),
    ...(locked && { isLocked: true }),
    // Asked for by what writes only: whoever reads looks at no blocks.
    get mayNotContact() {
      if (effectOfBlocks(kind) !== "refuse") return false;
      // Nobody leaves such a conversation but who is erased.
      return state.counters.memberCount < 2 || state.isBlockedOrBlocks(userId);
    },
  };
}
