/** Whom a conversation shows as online, once that has held for a while. */

/**
 * `here`: connected to the conversation. `elsewhere`: to something else of the service, which is shown to those
 * who may follow the user.
 */
export type PresenceState = "offline" | "elsewhere" | "here";

export interface ShownPresenceOptions {
  /** How long a change must hold before it is announced, in milliseconds; 0: it is at once. */
  delayMs: number;
  clock: () => number;
  stateOf: (userId: string) => PresenceState;
  /** `at`: when it changed, in milliseconds since the epoch. */
  announce: (userId: string, before: PresenceState, after: PresenceState, at: number) => void;
  /** What was announced before the object woke. */
  initial: Iterable<readonly [userId: string, state: PresenceState]>;
}

/**
 * A connection that opens and closes within the delay is not announced, however often it does. A
 * pending timer keeps the object awake for the delay and no longer.
 */
export class ShownPresence {
  private readonly options: ShownPresenceOptions;
  private readonly announced: Map<string, PresenceState>;
  /** Those of whom it is not known whether they were announced as elsewhere. */
  private readonly uncertain = new Set<string>();
  private readonly pending = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(options: ShownPresenceOptions) {
    this.options = options;
    this.announced = new Map(options.initial);
  }

  /** Everybody who is not offline, as far as it was announced: what a new connection starts from. */
  get states(): ReadonlyMap<string, PresenceState> {
    return this.announced;
  }

  of(userId: string): PresenceState {
    return this.announced.get(userId) ?? "offline";
  }

  /** A user was announced so before the object woke. */
  restore(userId: string, state: PresenceState): void {
    this.announced.set(userId, state);
  }

  /** A user may have been announced as elsewhere: their state is announced once more, whatever it is. */
  mayBeElsewhere(userId: string): void {
    if (!this.announced.has(userId)) this.uncertain.add(userId);
  }

  /** A user's state may have changed, which has held for so many milliseconds already. */
  changed(userId: string, heldMs = 0): void {
    const { delayMs, clock, stateOf } = this.options;
    if (this.of(userId) === stateOf(userId) && !this.uncertain.has(userId)) {
      this.cancel(userId);
      return;
    }
    const waitMs = delayMs - heldMs;
    const at = clock();
    if (waitMs <= 0) this.settle(userId, at);
    else if (!this.pending.has(userId)) {
      this.pending.set(
        userId,
        setTimeout(() => this.settle(userId, at), waitMs),
      );
    }
  }

  private settle(userId: string, at: number): void {
    this.cancel(userId);
    const after = this.options.stateOf(userId);
    const isUncertain = this.uncertain.delete(userId);
    const before = isUncertain && after === "offline" ? "elsewhere" : this.of(userId);
    if (before === after) return;
    if (after === "offline") this.announced.delete(userId);
    else this.announced.set(userId, after);
    this.options.announce(userId, before, after, at);
  }

  private cancel(userId: string): void {
    clearTimeout(this.pending.get(userId));
    this.pending.delete(userId);
  }
}
