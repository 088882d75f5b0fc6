import { isLarge } from "../../../domain/conversation.ts";
import type { Memory } from "../../commit/draft.ts";
import {
  armedMembers,
  deleteArmed,
  endFirstRound,
  insertArmed,
  isArmed,
  isFirstRoundDone,
} from "../../tables/armed.ts";
import { presentMembers } from "../../tables/members.ts";
import { type Attention, NEWLY_ARMED, RESTORED, rearmed } from "./attention.ts";

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

  constructor(sql: SqlStorage, memory: Memory) {
    this.sql = sql;
    this.memory = memory;
  }

  /** `undefined`: the member rests. */
  of(userId: string): Attention | undefined {
    const known = this.byUser.get(userId);
    if (known || this.isLoaded) return known;
    if (this.firstRound()) return this.all().get(userId);
    if (!isArmed(this.sql, userId)) return undefined;
    this.byUser.set(userId, RESTORED);
    return RESTORED;
  }

  /** All who are armed. */
  all(): ReadonlyMap<string, Attention> {
    if (this.isLoaded) return this.byUser;
    this.isLoaded = true;
    const { sql, memory, byUser } = this;
    const add = (userId: string, attention: Attention) => {
      if (!byUser.has(userId)) byUser.set(userId, attention);
    };
    for (const userId of armedMembers(sql)) add(userId, RESTORED);
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
    const isStored = known?.isStored || !this.firstRound();
    if (isStored && !known?.isStored) insertArmed(this.sql, userId);
    this.set(userId, { ...rearmed(known ?? NEWLY_ARMED), isStored });
  }

  /** The member rests; one row, if they had one. */
  rest(userId: string): void {
    if (this.byUser.get(userId)?.isStored) deleteArmed(this.sql, userId);
    this.byUser.delete(userId);
  }

  /** What came of a call; who watches is armed from now on. */
  settle(userId: string, attention: Attention, isWatching: boolean): void {
    if (isWatching && !attention.isStored) insertArmed(this.sql, userId);
    this.set(userId, { ...attention, isStored: attention.isStored || isWatching });
  }

  /** Stores that the first round is done, once every inbox was called. */
  endRound(): void {
    if (!this.firstRound() || !this.isLoaded) return;
    for (const { isKnown } of this.byUser.values()) if (!isKnown) return;
    // Those as well whose inbox nobody watches, and who have nothing to be told of.
    for (const [userId, attention] of this.byUser) this.settle(userId, attention, true);
    endFirstRound(this.sql);
    this.isInFirstRound = false;
  }

  private firstRound(): boolean {
    this.isInFirstRound ??= !isFirstRoundDone(this.sql);
    return this.isInFirstRound;
  }
}
