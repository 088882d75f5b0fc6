import type { Block } from "../../domain/block.ts";
import type { Member } from "../../domain/conversation.ts";
import { ok, type Result } from "../../domain/error.ts";
import { countsAsRead, effectOfBlocks, type Hiding } from "../../domain/hides.ts";
import type { Message } from "../../domain/message.ts";
import type { Actor } from "../../domain/policy.ts";
import { contains, type Figures, withHidden } from "../../domain/read-ranges.ts";
import type { StoredBlock } from "../tables/blocks.ts";
import type { Change, Decision, State } from "./types.ts";

/**
 * Figures that readers of a blocked sender get within a minute at most: each message of theirs changes those of
 * everybody who blocks them. Whom more people block may send less often, and once a minute in any case.
 */
export const MAX_HIDDEN_FIGURES_PER_MINUTE = 1_000;

/** Who acts where facts about blocks are taken: no user. */
export const BLOCKING: Actor = {
  ...{ userId: "", name: null, avatarUrl: null, role: "user", reach: "member" },
};

type MovedFigures = NonNullable<Decision["figures"]>;

/** Takes facts about blocks. Those that are known, or older than what is known, change nothing. */
export function decideBlocks(state: State, blocks: readonly Block[]): Result<Decision> {
  const taken = takeBlocks(state, blocks, state.counters.rev);
  const { rev } = taken;
  const counters = { ...state.counters, rev };
  return ok({ changes: taken.changes, figures: taken.figures, counters, answer: { rev } });
}

/**
 * The changes that blocks make, each with a revision after `rev`. `entering`: somebody who enters in the same
 * commit, whose figures are the member's.
 */
export function takeBlocks(
  state: State,
  blocks: readonly Block[],
  rev: number,
  entering?: Member,
): { changes: Change[]; figures: MovedFigures; rev: number } {
  const { kind } = state.conversation;
  const changes: Change[] = [];
  const moved = new Map<string, Figures>();
  const written = new Written(state);
  if (effectOfBlocks(kind) === "none") return { changes, figures: [], rev };
  const member = (userId: string) =>
    userId === entering?.userId ? entering : state.member(userId);
  let last = rev;
  for (const { userId, blockedId, blocked, version } of newest(blocks)) {
    const user = member(userId);
    const before = state.blockBetween(userId, blockedId);
    if (!user || userId === blockedId || (before && before.version >= version)) continue;
    // One that was never here, and is lifted, hides nothing.
    const upTo = blocked ? null : before ? (before.upTo ?? state.counters.lastNumber) : 0;
    last++;
    const block: StoredBlock = { userId, blockedId, upTo, version, rev: last };
    changes.push({ type: "block", block, isSwitched: (before?.upTo === null) !== blocked });
    if (!blocked || before?.upTo === null || effectOfBlocks(kind) !== "hide") continue;
    // Whoever enters has nothing unread.
    if (user.leftAt !== null || user === entering) continue;
    const figures = moved.get(userId) ?? user;
    const numbers = unreadOf(state, { ...user, ...figures }, blockedId, before, written);
    if (numbers > 0) moved.set(userId, withHidden(figures, numbers));
  }
  const figures = Array.from(moved, ([userId, figures]) => ({ userId, figures }));
  return { changes, figures, rev: last };
}

/** The newest fact about each two people, in the order in which they come. */
function newest(blocks: readonly Block[]): Iterable<Block> {
  const byPair = new Map<string, Block>();
  for (const block of blocks) {
    const key = JSON.stringify([block.userId, block.blockedId]);
    const known = byPair.get(key);
    if (!known || known.version < block.version) byPair.set(key, block);
  }
  return byPair.values();
}

/** How many messages of somebody a member has not read, and had not hidden before. */
function unreadOf(
  state: State,
  member: Member,
  senderId: string,
  before: Hiding | undefined,
  written: Written,
): number {
  const from = Math.max(member.readUpTo, before?.upTo ?? 0) + 1;
  const to = state.counters.lastNumber;
  if (from > to) return 0;
  const numbers = written.by(senderId, from);
  if (numbers.length === 0) return 0;
  const covered = state.readFacts(member).covered(from, to);
  return numbers.filter((number) => !contains(covered, number)).length;
}

/** What people wrote. However many block somebody, the history is read once at most. */
class Written {
  private readonly state: State;
  private readonly bySender = new Map<string, { from: number; numbers: number[] }>();

  constructor(state: State) {
    this.state = state;
  }

  /** A sender's messages that count, from a number on. */
  by(senderId: string, from: number): number[] {
    const { state, bySender } = this;
    const known = bySender.get(senderId) ?? { from: state.counters.lastNumber + 1, numbers: [] };
    if (from < known.from) {
      const earlier = state.countableOf(senderId, from, known.from - 1);
      known.numbers = [...earlier, ...known.numbers];
      known.from = from;
      bySender.set(senderId, known);
    }
    return known.numbers.filter((number) => number >= from);
  }
}

/** The present members whose figures have a message as read because they block its sender, or did. */
export function hiddenFrom(
  state: State,
  { senderId, number }: Pick<Message, "senderId" | "number">,
): string[] {
  if (senderId === null || effectOfBlocks(state.conversation.kind) !== "hide") return [];
  return state
    .blocksAgainst(senderId)
    .filter((block) => countsAsRead(block, number))
    .flatMap(({ userId }) => (state.member(userId)?.leftAt === null ? userId : []));
}

/** Whether a member counts a message as read for that reason. */
export function isHiddenFrom(
  state: State,
  userId: string,
  { senderId, number }: Pick<Message, "senderId" | "number">,
): boolean {
  if (senderId === null || effectOfBlocks(state.conversation.kind) !== "hide") return false;
  const block = state.blockBetween(userId, senderId);
  return block !== undefined && countsAsRead(block, number);
}

/** How many messages a minute somebody may send here. */
export function messagesPerMinute(state: State, senderId: string): number {
  const { messagesPerMinute: limit } = state.limits;
  if (effectOfBlocks(state.conversation.kind) !== "hide") return limit;
  const hiding = state.blocksAgainst(senderId).filter(({ upTo }) => upTo === null).length;
  if (hiding === 0) return limit;
  return Math.min(limit, Math.max(1, Math.floor(MAX_HIDDEN_FIGURES_PER_MINUTE / hiding)));
}
