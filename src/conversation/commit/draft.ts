import type { Ban, Conversation, Counters, Member } from "../../domain/conversation.ts";
import { effectOfBlocks } from "../../domain/hides.ts";
import type { Message } from "../../domain/message.ts";
import { normalizedUserId } from "../../domain/person.ts";
import { type Facts, isService } from "../../domain/policy.ts";
import type { Times } from "../../domain/rate-window.ts";
import { type ReadFacts, withPurged } from "../../domain/read-ranges.ts";
import { factsOf } from "../decide/facts.ts";
import type { Change, CommandRequest, Decision, Sent, Spending, State } from "../decide/types.ts";
import { banOf, countBans } from "../tables/bans.ts";
import { Blocks, type StoredBlock } from "../tables/blocks.ts";
import { updateCounters } from "../tables/conversation.ts";
import { claimOutcome } from "../tables/files.ts";
import { type Holds, hasHold } from "../tables/holds.ts";
import { invitedAt } from "../tables/invitations.ts";
import {
  longestMember,
  memberOf,
  membersAmong,
  membersBehind,
  updateFigures,
} from "../tables/members.ts";
import { messageAt, ownAndHiddenCounted, ownCounted } from "../tables/messages.ts";
import { pacedAt } from "../tables/paced.ts";
import { MAX_PENDING, type PendingFigures, storedFigures } from "../tables/pending-figures.ts";
import { type Purgeable, purgeable } from "../tables/purge.ts";
import { firstReactors, hasReacted } from "../tables/reactions.ts";
import { readersAhead, readsTouching } from "../tables/reads.ts";
import { countedBefore, uncountedAmong, uncountedWithin } from "../tables/uncounted.ts";
import { NewMessages, type SenderKey } from "./new-messages.ts";
import type { RateWindows } from "./rate-windows.ts";
import { writeDecision } from "./write-decision.ts";

/** The committed state of a conversation that its object caches. */
export interface Memory {
  conversation: Conversation;
  counters: Counters;
  /** Recently active members. Others are read from storage. */
  members: Map<string, Member>;
  /** Figures that members' rows do not have yet. */
  pendingFigures: ReadonlyMap<string, PendingFigures>;
  blocks: Blocks;
  holds: Holds;
}

type TimesByUser = Map<string, number[]>;

/**
 * The state within one group: the committed state, overlaid with what the group's commands have
 * decided so far. It writes rows as commands succeed, and figures and counters once at the end.
 * Memory adopts it only after the transaction has returned; dropping a draft changes nothing.
 */
export class Draft implements State {
  conversation: Conversation;
  counters: Counters;
  readonly limits: State["limits"];
  readonly clock: number;
  readonly changes: Change[] = [];
  hasActs = false;
  /** Whether a legal hold stands, where this group has changed it. */
  held: boolean | undefined;
  private readonly holds: Holds;
  /** Sends of this group, by sender. */
  readonly sends: TimesByUser = new Map();
  /** What this group counts against abuse limits. */
  readonly spending: Record<Spending, TimesByUser> = { changes: new Map(), reads: new Map() };
  private readonly sql: SqlStorage;
  private readonly windows: RateWindows;
  /** Members changed by this group's commands, or missing in memory. */
  readonly members = new Map<string, Member | undefined>();
  private readonly known: ReadonlyMap<string, Member>;
  /** Those of the group included; `undefined`: the group has changed none. */
  private figures: Map<string, PendingFigures> | undefined;
  private readonly figuresBefore: ReadonlyMap<string, PendingFigures>;
  private readonly sent: NewMessages;
  /** Replaced where the group changes any: what is committed is kept apart from what may be rolled back. */
  private blocks: Blocks;
  /** Whether keys of this group are assumed to be new: if one is not, its row cannot be inserted. */
  hasAssumedKeys = false;

  constructor(
    sql: SqlStorage,
    memory: Memory,
    windows: RateWindows,
    limits: State["limits"],
    clock: number,
  ) {
    this.sql = sql;
    this.sent = new NewMessages(sql);
    this.conversation = memory.conversation;
    this.counters = memory.counters;
    this.known = memory.members;
    this.figuresBefore = memory.pendingFigures;
    this.blocks = memory.blocks;
    this.holds = memory.holds;
    this.windows = windows;
    this.limits = limits;
    this.clock = clock;
  }

  /**
   * Prefetches in one query what a group's sends would look up one by one. `assumesNewKeys`: their
   * keys are not looked up, because almost none was used before.
   */
  lookUp(group: readonly CommandRequest[], assumesNewKeys: boolean): void {
    const keys: SenderKey[] = [];
    const strangers = new Set<string>();
    for (const request of group) {
      const { actor, command } = request;
      if (command.type !== "send") continue;
      if (!this.known.has(actor.userId)) strangers.add(actor.userId);
      for (const { userId } of this.blocks.against(actor.userId)) {
        if (!this.known.has(userId)) strangers.add(userId);
      }
      for (const userId of command.mentions?.map(normalizedUserId) ?? []) {
        if (!this.known.has(userId)) strangers.add(userId);
      }
      const key = keyOf(request);
      if (key) keys.push(key);
    }
    if (strangers.size > 1) {
      for (const userId of strangers) this.members.set(userId, undefined);
      for (const one of membersAmong(this.sql, [...strangers])) this.members.set(one.userId, one);
    }
    this.hasAssumedKeys = assumesNewKeys && keys.length > 0;
    if (this.hasAssumedKeys) this.sent.assumeNewKeys();
    else if (keys.length > 1) this.sent.lookUp(keys);
  }

  /** Whether a command is a send under a used key that was assumed to be new. */
  isMistaken(request: CommandRequest): boolean {
    const key = keyOf(request);
    return key !== undefined && this.hasAssumedKeys && this.sent.isUsed(key);
  }

  member(userId: string): Member | undefined {
    if (this.members.has(userId)) return this.members.get(userId);
    const found = this.known.get(userId) ?? memberOf(this.sql, userId);
    // What is known may be from before messages were gone.
    const member = found && withPurged(found, this.conversation.purgedTo);
    this.members.set(userId, member);
    return member;
  }

  factsOf(userId: string): Facts {
    return factsOf(this.conversation, userId, this.member(userId), this);
  }

  banOf(userId: string): Ban | undefined {
    return banOf(this.sql, userId);
  }

  countBans(): number {
    return countBans(this.sql);
  }

  pacedAt(userId: string): number | undefined {
    return pacedAt(this.sql, userId);
  }

  longestMember(apartFrom: string): Member | undefined {
    const userId = longestMember(this.sql, apartFrom)?.userId;
    return userId === undefined ? undefined : this.member(userId);
  }

  invitedAt(userId: string): number | undefined {
    return invitedAt(this.sql, userId);
  }

  isVoided(claim: string): boolean {
    return claimOutcome(this.sql, claim) === null;
  }

  hasReacted(number: number, emoji: string, userId: string): boolean {
    return hasReacted(this.sql, number, emoji, userId);
  }

  firstReactors(number: number, emoji: string, limit: number): string[] {
    return firstReactors(this.sql, number, emoji, limit);
  }

  message(number: number): Message | undefined {
    this.sent.write();
    return messageAt(this.sql, number);
  }

  sentAs(senderId: string | null, clientMessageId: string): Sent | undefined {
    return this.sent.sentAs(senderId, clientMessageId);
  }

  sendTimes(userId: string): Times {
    return concatenated(this.windows.sends.of(userId, this.clock), this.sends.get(userId));
  }

  spent(what: Spending, userId: string): Times {
    return concatenated(this.windows[what].of(userId, this.clock), this.spending[what].get(userId));
  }

  changesWaitMs(userId: string): number {
    return this.windows.everywhere?.waitMs(userId, this.clock) ?? 0;
  }

  countedBefore(number: number): number {
    const found = countedBefore(this.sql, number);
    const { purgedTo = 0, pins = [] } = this.conversation;
    if (found > purgedTo) return found;
    // Numbers of messages that are gone are not among the uncounted ones; what is left there is pinned, and counts.
    const kept = pins.map((pin) => pin.number).filter((pin) => pin < number && pin <= purgedTo);
    return Math.max(0, ...kept);
  }

  readersAhead(number: number): string[] {
    return readersAhead(this.sql, number);
  }

  countableOf(senderId: string, from: number, to: number): number[] {
    this.sent.write();
    return ownCounted(this.sql, senderId, from, to);
  }

  blockBetween(userId: string, blockedId: string): StoredBlock | undefined {
    return this.blocks.between(userId, blockedId);
  }

  blocksAgainst(blockedId: string): readonly StoredBlock[] {
    return this.blocks.against(blockedId);
  }

  isBlockedOrBlocks(userId: string): boolean {
    return this.blocks.concerns(userId);
  }

  readFacts(member: Member): ReadFacts {
    this.sent.write();
    const { sql } = this;
    const { userId } = member;
    const isHiding =
      effectOfBlocks(this.conversation.kind) === "hide" && this.blocks.of(userId).length > 0;
    const own = isHiding ? ownAndHiddenCounted : ownCounted;
    return {
      lastNumber: this.counters.lastNumber,
      figures: { readUpTo: member.readUpTo, readBeyond: member.readBeyond },
      covered: (from, to) => readsTouching(sql, member.userId, from, to),
      own: (from, to) => own(sql, userId, from, to),
      uncounted: (from, to) => uncountedWithin(sql, from, to),
      countUncounted: (from, to) => uncountedAmong(sql, from, to),
    };
  }

  get isHeld(): boolean {
    return this.held ?? this.holds.isHeld;
  }

  purgeable(to: number): Purgeable[] {
    this.sent.write();
    return purgeable(this.sql, to);
  }

  membersBehind(number: number, limit: number): Member[] {
    const pending = this.pendingFigures;
    // Rows of those whose figures are pending may say that they are behind, and they are not: others are as many.
    const stored = membersBehind(this.sql, number, limit + pending.size);
    const userIds = new Set([...stored, ...pending.keys()]);
    const isBehind = ({ readUpTo, readBeyond, leftAt }: Member) =>
      leftAt === null && readBeyond > 0 && readUpTo < number;
    return [...userIds]
      .flatMap((userId) => this.member(userId) ?? [])
      .filter(isBehind)
      .slice(0, limit);
  }

  /** Figures that members' rows do not have, after this group. */
  get pendingFigures(): ReadonlyMap<string, PendingFigures> {
    return this.figures ?? this.figuresBefore;
  }

  /** Whether figures have to be written although there is no new revision. */
  get figuresMoved(): boolean {
    return this.figures !== undefined;
  }

  /**
   * Defers the row of a plain send, to be written with others; writes the rows of any other
   * decision.
   */
  put(decision: Decision): void {
    const [change] = decision.changes;
    const alone = decision.changes.length === 1 && !decision.effects?.length;
    if (alone && change?.type === "message" && change.cause === "created") {
      this.sent.defer({ message: change.message, digest: change.digest ?? null });
      return;
    }
    this.sent.write();
    writeDecision(this.sql, decision);
  }

  /** Adopts a decision whose rows are written. */
  fold(decision: Decision, userId: string): void {
    this.counters = decision.counters;
    this.hasActs ||= decision.effects?.some(({ type }) => type === "audit") === true;
    for (const effect of decision.effects ?? []) {
      // Its rows are written.
      if (effect.type === "held" || effect.type === "released") this.held = hasHold(this.sql);
    }
    if (decision.spends) note(this.spending[decision.spends], userId, this.clock);
    if (decision.changes.some(({ type }) => type === "block")) this.blocks = new Blocks(this.sql);
    for (const change of decision.changes) {
      this.changes.push(change);
      if (change.type === "conversation") this.adopt(change.conversation);
      if (change.type === "member" || change.type === "flag") {
        // The written row holds the current figures.
        this.members.set(change.member.userId, change.member);
        if (this.pendingFigures.has(change.member.userId)) {
          this.changeFigures().delete(change.member.userId);
        }
      }
      if (change.type !== "message") continue;
      const { senderId } = change.message;
      if (senderId === null) continue;
      if (change.cause !== "created") {
        this.sent.invalidate(change.message);
      } else {
        this.sent.remember({ message: change.message, digest: change.digest ?? null });
        note(this.sends, senderId, this.clock);
      }
    }
    for (const { userId, figures } of decision.figures ?? []) {
      const member = this.member(userId);
      if (!member) continue;
      const { readUpTo, readBeyond } = member;
      const base = this.pendingFigures.get(userId)?.base ?? { readUpTo, readBeyond };
      this.members.set(userId, { ...member, ...figures });
      this.changeFigures().set(userId, { ...figures, base });
    }
  }

  private adopt(conversation: Conversation): void {
    const isPurged = conversation.purgedTo !== this.conversation.purgedTo;
    this.conversation = conversation;
    if (!isPurged) return;
    for (const [userId, member] of this.members) {
      if (member) this.members.set(userId, withPurged(member, conversation.purgedTo));
    }
  }

  private changeFigures(): Map<string, PendingFigures> {
    this.figures ??= new Map(this.figuresBefore);
    return this.figures;
  }

  /** Writes the rows that are written once per group. */
  flush(): void {
    this.sent.write();
    if (this.figures && this.figures.size > MAX_PENDING) {
      updateFigures(this.sql, this.figures);
      this.figures.clear();
    }
    updateCounters(this.sql, this.counters, this.figures && storedFigures(this.figures));
  }
}

function keyOf({ actor, command }: CommandRequest): SenderKey | undefined {
  if (command.type !== "send" || command.clientMessageId === undefined) return undefined;
  if (isService(actor)) return undefined;
  return [actor.userId, command.clientMessageId];
}

function note(times: TimesByUser, userId: string, time: number): void {
  const known = times.get(userId);
  if (known) known.push(time);
  else times.set(userId, [time]);
}

/** Committed times, followed by those of a group. */
function concatenated(times: readonly number[], added: readonly number[] | undefined): Times {
  if (!added) return times;
  return {
    length: times.length + added.length,
    at: (index) => (index < times.length ? times[index] : added[index - times.length]),
  };
}
