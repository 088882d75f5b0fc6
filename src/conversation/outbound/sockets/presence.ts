/** Announces who comes online or goes offline, once that has held for a while. */

export interface PresenceOptions {
  /** How long a change must hold before it is announced, in milliseconds; 0: it is at once. */
  delayMs: number;
  clock: () => number;
  isOnline: (userId: string) => boolean;
  /** `at`: when it changed, in milliseconds since the epoch. */
  announce: (userId: string, online: boolean, at: number) => void;
  /** Who is online when the object wakes: it was announced before. */
  online: Iterable<string>;
}

/**
 * A connection that opens and closes within the delay is not announced, however often it does. A
 * pending timer keeps the object awake for the delay and no longer.
 */
export class Presence {
  private readonly options: PresenceOptions;
  private readonly announced: Set<string>;
  private readonly pending = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(options: PresenceOptions) {
    this.options = options;
    this.announced = new Set(options.online);
  }

  /** Who is online as far as it was announced: what a new connection starts from. */
  get online(): ReadonlySet<string> {
    return this.announced;
  }

  /** A user's connections changed: whether they are online may have, too. */
  changed(userId: string): void {
    const { delayMs, clock, isOnline } = this.options;
    if (this.announced.has(userId) === isOnline(userId)) {
      clearTimeout(this.pending.get(userId));
      this.pending.delete(userId);
      return;
    }
    if (this.pending.has(userId)) return;
    const at = clock();
    if (delayMs === 0) this.settle(userId, at);
    else
      this.pending.set(
        userId,
        setTimeout(() => this.settle(userId, at), delayMs),
      );
  }

  /** Takes a user as online, who was announced before the object woke. */
  restore(userId: string): void {
    this.announced.add(userId);
  }

  /** Takes a user as offline from now on, without announcing it; whether they were announced as online. */
  forget(userId: string): boolean {
    clearTimeout(this.pending.get(userId));
    this.pending.delete(userId);
    return this.announced.delete(userId);
  }

  private settle(userId: string, at: number): void {
    this.pending.delete(userId);
    const online = this.options.isOnline(userId);
    if (this.announced.has(userId) === online) return;
    if (online) this.announced.add(userId);
    else this.announced.delete(userId);
    this.options.announce(userId, online, at);
  }
}
