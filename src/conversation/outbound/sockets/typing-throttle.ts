import { TYPING_EVERY_MS } from "../../../live/version.ts";

/** People kept at most; beyond that, those who may type again are removed. */
const MAX_KEPT = 1_000;

/** When a user's last start and stop were broadcast; milliseconds since the epoch. */
interface Typed {
  start: number;
  stop: number;
}

/**
 * At most one start and one stop of typing per person and {@link TYPING_EVERY_MS}, whatever the number of
 * their connections. A start that is left out is repeated by the client; a stop that is left out expires.
 */
export class TypingThrottle {
  private readonly byUser = new Map<string, Typed>();

  /** Whether to broadcast it. */
  allows(userId: string, active: boolean, now: number): boolean {
    const typed = this.byUser.get(userId) ?? { start: -Infinity, stop: -Infinity };
    const last = active ? typed.start : typed.stop;
    // A clock that was set back silences no user.
    if (now - last < TYPING_EVERY_MS && now >= last) return false;
    if (this.byUser.size >= MAX_KEPT) this.expire(now);
    this.byUser.set(userId, active ? { ...typed, start: now } : { ...typed, stop: now });
    return true;
  }

  private expire(now: number): void {
    for (const [userId, { start, stop }] of this.byUser) {
      if (now - Math.max(start, stop) >= TYPING_EVERY_MS) this.byUser.delete(userId);
    }
  }
}
