import { isLarge } from "../../../domain/conversation.ts";
import type { Memory } from "../../commit/draft.ts";
import {
  armedFor,
  armedMembers,
  deleteArmed,
  endFirstRound,
  isFirstRoundDone,
  isTellingEverybody,
  putArmed,
  putTellingEverybody,
} from "../../tables/armed.ts";
import { presentMembers } from "../../tables/members.ts";
import { type Attention, CALLED_ONCE, NEWLY_ARMED, rearmed, restored } from "./attention.ts";

/** Members of a conversation whose members are armed without having asked for it. */
const FIRST_ROUND_MEMBERS = 200;

/**
 * The armed members of a conversation and what is known of their inboxes. Rows are read when they are first
 * needed: one for one member, all of them when a commit concerns everybody.
 *
 * A small conversation begins with a **first round**: all members are armed, without rows, until each was
 * called once. So a conversation that was stored before there were inboxes needs no migration.
 */
export class ArmedMembers {
  private readonly sql: SqlStorage;
  private readonly memory: Memory;
  private readonly byUser = new Map<string, Attention>();
  private isLoaded = false;
  /** `undefined`: not looked up yet. */
  private isInFirstRound: boolean | undefined;
  /** Members are being told of a message that mentions everybody; `undefined`: not looked up yet. */
  private isTelling: boolean | undefined;

  constructor(sql: SqlStorage, memory: Memory) {
    this.sql = sql;
    this.memory = memory;
  }

  /** `undefined`: the member rests. */
  of(userId: string): Attention | undefined {
    const known = this.byUser.get(userId);
    if (known || this.isLoaded) return known;
    if (this.firstRound()) return this.all().get(userId);
    const interest = armedFor(this.sql, userId);
    if (!interest) return undefined;
    const attention = restored(interest);
    this.byUser.set(userId, attention);
    return attention;
  }

  /** All who are armed. */
  all(): ReadonlyMap<string, Attention> {
    if (this.isLoaded) return this.byUser;
    this.isLoaded = true;
    const { sql, memory, byUser } = this;
    const add = (userId: string, attention: Attention) => {
      if (!byUser.has(userId)) byUser.set(userId, attention);
    };
    for (const { userId, interest } of armedMembers(sql)) add(userId, restored(interest));
    if (this.firstRound() && !isLarge(memory.counters.memberCount)) {
      for (const { userId } of presentMembers(sql, FIRST_ROUND_MEMBERS)) add(userId, NEWLY_ARMED);
    }
    return byUser;
  }

  /** Those of whom something is known since the object woke: nobody else has a call to wait for. */
  known(): ReadonlyMap<string, Attention> {
    return this.byUser;
  }

  set(userId: string, attention: Attention): void {
    this.byUser.set(userId, attention);
  }

  /** Arms a member; one row, unless they are. In the first round it is stored when that ends. */
  arm(userId: string): void {
    const known = this.of(userId);
    const isStored = known?.stored !== undefined || !this.firstRound();
    const armed = rearmed(known ?? NEWLY_ARMED);
    this.set(userId, isStored ? this.stored(userId, armed) : armed);
  }

  /** Arms a member who rests for one call, which a crash does not prevent; one row. */
  armOnce(userId: string): void {
    if (!this.of(userId)) this.set(userId, this.stored(userId, CALLED_ONCE));
  }

  /**
   * Has every member called once who is not armed, in a large conversation: a message mentions everybody.
   * One row, so that a crash does not prevent it.
   */
  tellEverybody(): void {
    putTellingEverybody(this.sql, true);
    this.isTelling = true;
    this.continueTelling();
  }

  /** The same where the previous instance of the object had begun to. */
  continueTelling(): void {
    this.isTelling ??= isTellingEverybody(this.sql);
    if (!this.isTelling) return;
    this.all();
    for (const { userId } of presentMembers(this.sql, this.memory.counters.memberCount)) {
      if (!this.byUser.has(userId)) this.byUser.set(userId, { ...CALLED_ONCE, dueAt: 0 });
    }
  }

  /** The member rests; one row, if they had one. */
  rest(userId: string): void {
    if (this.byUser.get(userId)?.stored) deleteArmed(this.sql, userId);
    this.byUser.delete(userId);
  }

  /** Stores the outcome of a call. `isKept`: the member is to be called again, and is armed. */
  settle(userId: string, attention: Attention, isKept: boolean): void {
    this.set(userId, isKept ? this.stored(userId, attention) : attention);
  }

  /** Stores that the first round is done, once every inbox was called. */
  endRound(): void {
    this.endTelling();
    if (!this.firstRound() || !this.isLoaded) return;
    for (const { isKnown } of this.byUser.values()) if (!isKnown) return;
    // Those as well whose inbox nobody watches, and who have nothing to be told of.
    for (const [userId, attention] of this.byUser) this.settle(userId, attention, true);
    endFirstRound(this.sql);
    this.isInFirstRound = false;
  }

  /** Stores that everybody was told of the message that mentions them all. */
  private endTelling(): void {
    if (!this.isTelling) return;
    for (const { isOnce } of this.byUser.values()) if (isOnce) return;
    putTellingEverybody(this.sql, false);
    this.isTelling = false;
  }

  /** The same attention with its row; one row, where that is missing or has another interest. */
  private stored(userId: string, attention: Attention): Attention {
    const interest = attention.interest === "none" ? "rows" : attention.interest;
    if (attention.stored === interest) return attention;
    putArmed(this.sql, userId, interest);
    return { ...attention, stored: interest };
  }

  private firstRound(): boolean {
    this.isInFirstRound ??= !isFirstRoundDone(this.sql);
    return this.isInFirstRound;
  }
}
