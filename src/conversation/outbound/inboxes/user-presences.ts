import type { ConnectionPresence } from "../../../domain/presence.ts";
import { lacksMethod } from "../../rpc-versions.ts";
import { CallTimeouts } from "../../timeout.ts";
import { backoffMs } from "../backoff.ts";
import type { InboxStub } from "./inbox-api.ts";

/** Inboxes that are asked at the same time. */
const CONCURRENT = 20;

export interface UserPresencesOptions {
  conversationId: string;
  /** Whether members are shown as online wherever they are connected, as in a conversation of few. */
  isFollowing: () => boolean;
  /** The present members of such a conversation. */
  members: () => Set<string>;
  /** Whether a user is connected to the conversation. */
  isHere: (userId: string) => boolean;
  /** Whether their inbox has been told that, and not yet that it has ended. */
  isReported: (userId: string) => boolean;
  isAnybodyHere: () => boolean;
  stubOf: (userId: string) => InboxStub;
  /** Whether a user was shown as online elsewhere is not known: readers may have been sent it. */
  onForgotten: (userId: string) => void;
  /** What is known of a user has changed; it has held for so many milliseconds. */
  onChange: (userId: string, visible: boolean | undefined, heldMs: number) => void;
  onFailure: (error: unknown) => void;
  /** Has {@link UserPresences.catchUp} called so many milliseconds from now, or sooner. */
  retryWithin: (milliseconds: number) => void;
}

/**
 * What the inboxes of users say of their presence: whether others may see that they are connected here, and in
 * one that is not large whether they are connected to anything. Kept in memory: once the object has forgotten
 * it, members who are not here are asked again when the next one comes.
 */
export class UserPresences {
  readonly name = "presences";
  private readonly options: UserPresencesOptions;
  private readonly timeouts = new CallTimeouts();
  private readonly known = new Map<string, ConnectionPresence>();
  /** Those whose inboxes tell of every change. */
  private readonly followed = new Set<string>();
  /** Those of whom inboxes have told since the object woke, because it had asked before. */
  private readonly told = new Set<string>();
  /** Whether the inbox of anybody could not be asked, and how often in a row that was so. */
  private isBehind = false;
  private failures = 0;
  /** Those whose inboxes are yet to be asked, in order, and how many are being asked. */
  private readonly toAsk = new Set<string>();
  private asking = 0;
  /** The present members, once they were read. */
  private memberIds: ReadonlySet<string> | undefined;

  constructor(options: UserPresencesOptions) {
    this.options = options;
  }

  /** Whether others may see a user; `undefined`: their inbox has not said. */
  visibleOf(userId: string): boolean | undefined {
    return this.known.get(userId)?.visible;
  }

  /** Whether a user is shown as online although they may not be connected here. */
  isElsewhere(userId: string): boolean {
    const known = this.known.get(userId);
    if (!known?.connected || !known.visible) return false;
    const isCurrent = this.followed.has(userId) || this.told.has(userId);
    return isCurrent && this.options.isFollowing();
  }

  /** Whether a user is a member of a conversation whose members see it. */
  isFollower(userId: string): boolean {
    return this.options.isFollowing() && this.members().has(userId);
  }

  /** Somebody connected or was the last of a user's connections, or members changed: asks those who are not here. */
  check(): void {
    const { isFollowing, isAnybodyHere, isHere } = this.options;
    if (!isFollowing() || !isAnybodyHere()) return;
    for (const userId of this.members()) {
      if (!isHere(userId) && !this.followed.has(userId)) this.toAsk.add(userId);
    }
    this.askNext();
  }

  /** Asks those once more who could not be asked. */
  async catchUp(): Promise<void> {
    if (!this.isBehind) return;
    this.isBehind = false;
    this.check();
  }

  /** Takes what is known of somebody who connects here, or is connected. It has held for so many milliseconds. */
  learn(userId: string, presence: ConnectionPresence, heldMs = 0): void {
    const isUnknown = presence.asOf === 0 && !presence.visible;
    if (isUnknown || presence.asOf < (this.known.get(userId)?.asOf ?? 0)) return;
    this.known.set(userId, presence);
    // Whoever is to be hidden is hidden at once.
    this.options.onChange(userId, presence.visible, presence.visible ? heldMs : Infinity);
  }

  /** The same, of an inbox that was not asked: what was shown before the object woke may be gone by. */
  changed(userId: string, presence: ConnectionPresence): boolean {
    const { isHere, onForgotten } = this.options;
    // Nothing of somebody who is invisible but that they became so.
    const isToBeShown = presence.visible || !presence.last;
    if (!this.known.has(userId) && !isHere(userId) && isToBeShown) onForgotten(userId);
    return this.take(userId, presence);
  }

  /** Takes what an inbox says. False: nobody is shown it. */
  take(userId: string, presence: ConnectionPresence, heldMs = 0): boolean {
    const { isHere, isFollowing, isAnybodyHere } = this.options;
    const isShown = isFollowing() && isAnybodyHere() && this.members().has(userId);
    if (isShown && !isHere(userId)) this.told.add(userId);
    this.learn(userId, presence, heldMs);
    if (isHere(userId)) return true;
    if (!isShown || presence.last) this.forget(userId);
    return isShown;
  }

  /** A user is not connected here any more, as far as their inbox knows. */
  left(userId: string): void {
    const { isHere, isReported } = this.options;
    if (isHere(userId) || isReported(userId)) return;
    this.check();
    if (!this.followed.has(userId)) this.forget(userId);
  }

  /** Members left or came: whom the conversation follows may be others. */
  membersChanged(departed: readonly string[]): void {
    this.memberIds = undefined;
    for (const userId of departed) this.forget(userId);
    if (!this.options.isFollowing()) {
      for (const userId of [...this.followed]) this.forget(userId);
    }
    this.check();
  }

  private members(): ReadonlySet<string> {
    this.memberIds ??= this.options.members();
    return this.memberIds;
  }

  private forget(userId: string): void {
    this.followed.delete(userId);
    this.told.delete(userId);
    if (this.options.isHere(userId) || !this.known.delete(userId)) return;
    this.options.onChange(userId, undefined, Infinity);
  }

  private askNext(): void {
    for (const userId of this.toAsk) {
      if (this.asking >= CONCURRENT) return;
      this.toAsk.delete(userId);
      if (this.isToBeAsked(userId)) {
        this.asking++;
        void this.follow(userId).finally(() => {
          this.asking--;
          this.askNext();
        });
      }
    }
  }

  /** Whether it is still so: meanwhile the user may have connected here or left, or nobody is here any more. */
  private isToBeAsked(userId: string): boolean {
    const { isFollowing, isAnybodyHere, isHere } = this.options;
    if (!isFollowing() || !isAnybodyHere() || !this.members().has(userId)) return false;
    return !isHere(userId) && !this.followed.has(userId);
  }

  private async follow(userId: string): Promise<void> {
    const { conversationId, stubOf, onFailure, retryWithin } = this.options;
    this.followed.add(userId);
    try {
      this.take(userId, await this.timeouts.limit(stubOf(userId).showIn(conversationId)));
      if (!this.isBehind) this.failures = 0;
    } catch (error) {
      // One of the previous version tells nobody.
      if (lacksMethod(error, "showIn")) return;
      onFailure(error);
      this.forget(userId);
      if (!this.isBehind) this.failures++;
      this.isBehind = true;
      retryWithin(backoffMs(this.failures));
    }
  }
}
