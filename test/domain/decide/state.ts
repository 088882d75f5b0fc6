import { factsOf } from "../../../src/conversation/decide/facts.ts";
import type {
  Decision,
  Effect,
  Sent,
  Spending,
  State,
} from "../../../src/conversation/decide/types.ts";
import type { StoredBlock } from "../../../src/conversation/tables/blocks.ts";
import type { Purgeable } from "../../../src/conversation/tables/purge.ts";
import type { ReadMark } from "../../../src/conversation/tables/reads.ts";
import type {
  Ban,
  Conversation,
  Counters,
  Kind,
  Member,
  Role,
} from "../../../src/domain/conversation.ts";
import { unreachable } from "../../../src/domain/error.ts";
import { mentionedBy } from "../../../src/domain/mentions.ts";
import type { Message } from "../../../src/domain/message.ts";
import type { Facts } from "../../../src/domain/policy.ts";
import { contains, type ReadFacts, withPurged } from "../../../src/domain/read-ranges.ts";

/** The conversation of every table test, and one that is not it. */
export const ID = "3fa85f64-5717-8562-b3fc-2c0000000000";
export const ELSEWHERE = "3fa85f64-5717-8562-b3fc-2d0000000000";
/** What the clock says in them. */
export const NOW = Date.UTC(2026, 0, 15, 12);
/** When the conversation was created and its members joined. */
export const CREATED = NOW - 3_600_000;

type Times = Map<string, number[]>;

/** The state that `decide` reads, in memory. Everything it hands out is frozen. */
export class MemoryState implements State {
  conversation: Conversation;
  counters: Counters;
  limits: State["limits"] = {
    messagesPerMinute: 5,
    contentLength: 2_000,
    editWindowMs: 15 * 60_000,
  };
  clock = NOW;
  readonly members = new Map<string, Member>();
  readonly messages = new Map<number, Sent>();
  readonly uncounted = new Set<number>();
  readonly reads: { mark: ReadMark; ahead: boolean }[] = [];
  readonly reactions: { number: number; emoji: string; userId: string }[] = [];
  readonly blocks: StoredBlock[] = [];
  readonly invitations = new Map<string, number>();
  readonly bans = new Map<string, Ban>();
  readonly paced = new Map<string, number>();
  readonly voided = new Set<string>();
  readonly sends: Times = new Map();
  readonly spending: Record<Spending, Times> = { changes: new Map(), reads: new Map() };
  readonly waits = new Map<string, number>();
  isHeld = false;
  readonly former: Message[] = [];

  constructor(kind: Kind, roles: Record<string, Role>) {
    const userIds = Object.keys(roles);
    this.conversation = frozen<Conversation>({
      ...{ id: ID, kind, title: "Title", description: null, visibility: "public" },
      ...{ createdBy: userIds[0] ?? "", createdAt: CREATED, archivedAt: null, subject: null },
      ...{ purchaseRequestId: null, metadata: null, origin: "unihub", rev: 1 },
    });
    for (const [index, [userId, role]] of Object.entries(roles).entries()) {
      this.put({ ...memberOf(userId), role, rev: index + 2 });
    }
    this.counters = frozen<Counters>({
      ...{ rev: userIds.length + 1, lastNumber: 0, counted: 0, lastCounted: 0 },
      ...{ lastCreatedAt: CREATED, memberCount: userIds.length, projectedRev: 0 },
    });
  }

  /** Replaces some fields of the conversation. */
  become(facts: Partial<Conversation>): void {
    this.conversation = frozen({ ...this.conversation, ...facts });
  }

  /** Replaces some fields of the counters. */
  count(counters: Partial<Counters>): void {
    this.counters = frozen({ ...this.counters, ...counters });
  }

  /** Stores a member, or replaces some fields of one. */
  put(member: Partial<Member> & Pick<Member, "userId">): void {
    const known = this.members.get(member.userId) ?? memberOf(member.userId);
    this.members.set(member.userId, frozen({ ...known, ...member }));
  }

  /** Stores a message of a user, or of the system (`null`), and returns it. */
  post(senderId: string | null, more: Partial<Message> = {}): Message {
    const number = this.counters.lastNumber + 1;
    const rev = this.counters.rev + 1;
    const message: Message = frozen<Message>({
      ...{ number, rev, senderId, kind: senderId === null ? "system" : "text" },
      ...{ content: `message ${number}`, replyTo: null, attachments: [], reactions: [] },
      ...{ metadata: null, clientMessageId: null, createdAt: NOW - 1_000 },
      ...{ editedAt: null, deletedAt: null },
      ...more,
    });
    this.messages.set(number, { message, digest: null });
    this.count({ rev, lastNumber: number });
    if (senderId === null || message.deletedAt !== null) {
      this.uncounted.add(number);
      return message;
    }
    this.count({ counted: this.counters.counted + 1, lastCounted: number });
    const member = this.members.get(senderId);
    if (member?.readUpTo === number - 1) this.put({ userId: senderId, readUpTo: number });
    else if (member) this.put({ userId: senderId, readBeyond: member.readBeyond + 1 });
    return message;
  }

  /** Stores a block, in the place of an earlier one of the same people. */
  putBlock(block: StoredBlock): void {
    const { userId, blockedId } = block;
    const known = this.blocks.findIndex(
      (one) => one.userId === userId && one.blockedId === blockedId,
    );
    if (known === -1) this.blocks.push(frozen(block));
    else this.blocks[known] = frozen(block);
  }

  /** Applies a decision, as the committer does. */
  apply(decision: Decision, userId: string): void {
    for (const change of decision.changes) {
      switch (change.type) {
        case "message": {
          const { message } = change;
          const digest = this.messages.get(message.number)?.digest ?? change.digest ?? null;
          this.messages.set(message.number, { message: frozen(message), digest });
          if (change.cause !== "created" || message.senderId === null) break;
          note(this.sends, message.senderId, this.clock);
          break;
        }
        case "member":
        case "flag":
          this.members.set(change.member.userId, frozen(change.member));
          break;
        case "read":
          this.reads.push({ mark: frozen(change.read), ahead: change.ahead });
          break;
        case "block":
          this.putBlock(change.block);
          break;
        case "conversation":
          this.conversation = frozen(change.conversation);
          break;
        default:
          unreachable(change);
      }
    }
    for (const effect of decision.effects ?? []) this.effect(effect);
    for (const { userId, figures } of decision.figures ?? []) this.put({ userId, ...figures });
    this.count(decision.counters);
    if (decision.spends) note(this.spending[decision.spends], userId, this.clock);
  }

  /** How many messages a member has not read, as D1 and the first page of a socket work it out. */
  unread(userId: string): number {
    const { readUpTo, readBeyond } = this.member(userId) ?? memberOf(userId);
    const uncounted = [...this.uncounted].filter((number) => number > readUpTo).length;
    return this.counters.lastNumber - readUpTo - readBeyond - uncounted;
  }

  member(userId: string): Member | undefined {
    const member = this.members.get(userId);
    return member && withPurged(member, this.conversation.purgedTo);
  }

  factsOf(userId: string): Facts {
    return factsOf(this.conversation, userId, this.members.get(userId), this);
  }

  banOf(userId: string): Ban | undefined {
    return this.bans.get(userId);
  }

  countBans(): number {
    return this.bans.size;
  }

  pacedAt(userId: string): number | undefined {
    return this.paced.get(userId);
  }

  longestMember(apartFrom: string): Member | undefined {
    return [...this.members.values()]
      .filter(({ userId, leftAt }) => userId !== apartFrom && leftAt === null)
      .toSorted((a, b) => a.joinedAt - b.joinedAt || (a.userId < b.userId ? -1 : 1))[0];
  }

  invitedAt(userId: string): number | undefined {
    return this.invitations.get(userId);
  }

  isVoided(claim: string): boolean {
    return this.voided.has(claim);
  }

  hasReacted(number: number, emoji: string, userId: string): boolean {
    return this.reactors(number, emoji).includes(userId);
  }

  firstReactors(number: number, emoji: string, limit: number): string[] {
    return this.reactors(number, emoji).slice(0, limit);
  }

  message(number: number): Message | undefined {
    return this.messages.get(number)?.message;
  }

  sentAs(senderId: string, clientMessageId: string): Sent | undefined {
    return [...this.messages.values()].find(
      ({ message }) => message.senderId === senderId && message.clientMessageId === clientMessageId,
    );
  }

  sendTimes(userId: string): readonly number[] {
    return this.sends.get(userId) ?? [];
  }

  spent(what: Spending, userId: string): readonly number[] {
    return this.spending[what].get(userId) ?? [];
  }

  changesWaitMs(userId: string): number {
    return this.waits.get(userId) ?? 0;
  }

  countedBefore(number: number): number {
    let before = number - 1;
    while (this.uncounted.has(before)) before--;
    return before;
  }

  purgeable(to: number): Purgeable[] {
    return [...this.messages.values()]
      .map(({ message }) => message)
      .filter(({ number }) => number <= to)
      .map((message) => ({
        ...{ number: message.number, senderId: message.senderId },
        ...{ isDeleted: message.deletedAt !== null, mentioned: mentionedBy(message) },
      }));
  }

  membersBehind(number: number, limit: number): Member[] {
    return [...this.members.keys()]
      .flatMap((userId) => this.member(userId) ?? [])
      .filter((one) => one.leftAt === null && one.readBeyond > 0 && one.readUpTo < number)
      .slice(0, limit);
  }

  readersAhead(number: number): string[] {
    return this.reads
      .filter(({ mark, ahead }) => ahead && contains([mark], number))
      .map(({ mark }) => mark.userId);
  }

  countableOf(senderId: string, from: number, to: number): number[] {
    return [...this.messages.values()]
      .filter(({ message }) => message.senderId === senderId && message.deletedAt === null)
      .map(({ message }) => message.number)
      .filter((number) => from <= number && number <= to);
  }

  blockBetween(userId: string, blockedId: string): StoredBlock | undefined {
    return this.blocks.find((one) => one.userId === userId && one.blockedId === blockedId);
  }

  blocksAgainst(blockedId: string): StoredBlock[] {
    return this.blocks.filter((one) => one.blockedId === blockedId);
  }

  isBlockedOrBlocks(userId: string): boolean {
    return this.blocks.some(
      (one) => one.upTo === null && (one.userId === userId || one.blockedId === userId),
    );
  }

  readFacts({ userId, readUpTo, readBeyond }: Member): ReadFacts {
    const within = (from: number, to: number) => (number: number) => from <= number && number <= to;
    const uncounted = (from: number, to: number) =>
      [...this.uncounted].filter(within(from, to)).toSorted((a, b) => a - b);
    return {
      lastNumber: this.counters.lastNumber,
      figures: frozen({ readUpTo, readBeyond }),
      covered: (from, to) =>
        this.reads
          .map(({ mark }) => mark)
          .filter((mark) => mark.userId === userId && mark.to >= from && mark.from <= to)
          .toSorted((a, b) => a.from - b.from),
      own: (from, to) =>
        [...this.messages.values()]
          .filter(({ message }) => message.senderId !== null && message.deletedAt === null)
          .filter(({ message: { senderId, number } }) => {
            const block = this.blockBetween(userId, senderId ?? "");
            const isHidden = block && (block.upTo === null || number <= block.upTo);
            return senderId === userId || isHidden;
          })
          .map(({ message }) => message.number)
          .filter(within(from, to)),
      uncounted,
      countUncounted: (from, to) => uncounted(from, to).length,
    };
  }

  private reactors(number: number, emoji: string): string[] {
    return this.reactions
      .filter((reaction) => reaction.number === number && reaction.emoji === emoji)
      .map(({ userId }) => userId);
  }

  private effect(effect: Effect): void {
    switch (effect.type) {
      case "uncounted":
        this.uncounted.add(effect.number);
        break;
      case "settled":
        for (const read of this.reads) {
          const { userId, to } = read.mark;
          const passed = to > effect.before && to <= effect.after;
          if (userId === effect.userId && passed) read.ahead = false;
        }
        break;
      case "purged":
        for (const number of this.messages.keys()) {
          if (number <= effect.to && !effect.kept.includes(number)) this.messages.delete(number);
        }
        for (const number of this.uncounted) {
          if (number <= effect.to) this.uncounted.delete(number);
        }
        break;
      case "held":
      case "released":
        this.isHeld = effect.type === "held";
        break;
      case "former":
        this.former.push(effect.message);
        break;
      case "files-sent":
      case "mentioned":
        break;
      case "reacted":
        this.reactions.push(effect);
        break;
      case "unreacted":
      case "reactions-cleared":
        for (let index = this.reactions.length - 1; index >= 0; index--) {
          const { number, emoji, userId } = this.reactions[index] ?? { number: 0 };
          if (number !== effect.number) continue;
          const all = effect.type === "reactions-cleared";
          if (all || (emoji === effect.emoji && userId === effect.userId)) {
            this.reactions.splice(index, 1);
          }
        }
        break;
      case "invited":
        this.invitations.set(effect.userId, effect.at);
        break;
      case "uninvited":
        this.invitations.delete(effect.userId);
        break;
      case "banned":
        this.bans.set(effect.ban.userId, effect.ban);
        break;
      case "unbanned":
        this.bans.delete(effect.userId);
        break;
      case "paced":
        this.paced.set(effect.userId, effect.sentAt);
        break;
      case "pace-ended":
        this.paced.clear();
        break;
      case "audit":
        break;
      default:
        unreachable(effect);
    }
  }
}

/** A member who joined when the conversation was created. */
export function memberOf(userId: string): Member {
  return {
    ...{ userId, name: null, avatarUrl: null, role: "member", joinedAt: CREATED, leftAt: null },
    ...{ archived: false, readUpTo: 0, readBeyond: 0, rev: 0 },
  };
}

function note(times: Times, userId: string, time: number): void {
  times.set(userId, [...(times.get(userId) ?? []), time]);
}

/** Freezes a value deeply: a change throws. */
function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) frozen(inner);
    Object.freeze(value);
  }
  return value;
}
