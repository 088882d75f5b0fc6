import type { Block } from "../../domain/block.ts";
import type { Counters, Member, Person, Role } from "../../domain/conversation.ts";
import { ok, type Result } from "../../domain/error.ts";
import type { Message } from "../../domain/message.ts";
import { takeBlocks } from "./blocks.ts";
import type { Change, Decision, Effect, MemberCause, State } from "./types.ts";

/** Collects the changes of joins, leaves and role changes within one command. */
export class Membership {
  readonly changes: Change[] = [];
  readonly effects: Effect[] = [];
  /** Of members whose blocks were taken. */
  figures: NonNullable<Decision["figures"]> = [];
  counters: Counters;
  private readonly state: State;
  private readonly now: number;

  constructor(state: State, now: number) {
    this.state = state;
    this.counters = state.counters;
    this.now = now;
  }

  /** Adds a member, new or returning. They see the whole history, none of it as unread. */
  enter(
    person: Person,
    cause: "joined" | "added",
    announcement?: string,
    request?: Member["request"],
  ): Member {
    const before = this.state.member(person.userId);
    if (announcement !== undefined) this.announce(announcement, person.userId);
    const readUpTo = this.counters.lastNumber;
    const member: Member = {
      userId: person.userId,
      name: person.name ?? before?.name ?? null,
      avatarUrl: person.avatarUrl ?? before?.avatarUrl ?? null,
      role: "member",
      joinedAt: this.now,
      leftAt: null,
      archived: false,
      ...(request && { request }),
      readUpTo,
      readBeyond: 0,
      // Coming back ends no mute.
      ...(before?.mutedUntil !== undefined && { mutedUntil: before.mutedUntil }),
      rev: 0,
    };
    if (before && readUpTo > before.readUpTo) {
      const { userId, readUpTo: passed } = before;
      this.effects.push({ type: "settled", userId, before: passed, after: readUpTo });
    }
    this.put(member, cause);
    this.counters = { ...this.counters, memberCount: this.counters.memberCount + 1 };
    return member;
  }

  /**
   * Removes a member. Their row stays, so that a late projection cannot restore their membership.
   */
  exit(member: Member, cause: "left" | "removed", announcement?: string): void {
    const { request: _, ...rest } = member;
    this.put({ ...rest, role: "member", leftAt: this.now }, cause);
    this.counters = { ...this.counters, memberCount: this.counters.memberCount - 1 };
    if (announcement !== undefined) this.announce(announcement, member.userId);
  }

  promote(member: Member, role: Role): void {
    this.put({ ...member, role }, "role");
  }

  /** Takes the blocks between a member who has just entered and the others. */
  takeBlocks(blocks: readonly Block[] | undefined, entered: Member): void {
    if (!blocks?.length) return;
    const { rev, changes, figures } = takeBlocks(this.state, blocks, this.counters.rev, entered);
    this.changes.push(...changes);
    this.figures = figures;
    this.counters = { ...this.counters, rev };
  }

  /** Mutes a member until a time, or no longer: `undefined`. */
  mute({ mutedUntil: _, ...member }: Member, until: number | undefined): void {
    this.put({ ...member, ...(until !== undefined && { mutedUntil: until }) }, "role");
  }

  private put(member: Member, cause: MemberCause): void {
    const rev = this.nextRev();
    this.changes.push({ type: "member", cause, member: { ...member, rev } });
  }

  /** A system message: it counts for no unread total, last message or rate limit. */
  private announce(content: string, userId: string): void {
    const rev = this.nextRev();
    const number = this.counters.lastNumber + 1;
    const message: Message = {
      number,
      rev,
      senderId: null,
      kind: "system",
      content,
      replyTo: null,
      attachments: [],
      reactions: [],
      metadata: { userId },
      clientMessageId: null,
      createdAt: this.now,
      editedAt: null,
      deletedAt: null,
    };
    this.changes.push({ type: "message", cause: "created", message });
    this.effects.push({ type: "uncounted", number });
    this.counters = { ...this.counters, lastNumber: number, lastCreatedAt: this.now };
  }

  private nextRev(): number {
    this.counters = { ...this.counters, rev: this.counters.rev + 1 };
    return this.counters.rev;
  }
}

/** The decision that a membership's changes are. */
export function decidedOf({ changes, counters, effects, figures }: Membership): Result<Decision> {
  const moved = figures.length > 0 && { figures };
  return ok({ changes, counters, effects, ...moved, answer: { rev: counters.rev } });
}
