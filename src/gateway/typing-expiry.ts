import type { ServerEvent } from "../live/events.ts";

type Typing = Extract<ServerEvent, { type: "typing" }>;

/**
 * Stops the typing of people who did not say that they stopped. The live protocol's clients expire it
 * themselves, so that no event says it; those of gateways need an explicit stop event. A timer runs for as
 * long as a user types, a few seconds.
 */
export class TypingExpiry {
  private readonly onExpired: (conversationId: string, event: Typing) => void;
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(onExpired: (conversationId: string, event: Typing) => void) {
    this.onExpired = onExpired;
  }

  /** Records that a user types or stopped. */
  follow(conversationId: string, event: Typing): void {
    const key = `${conversationId} ${event.userId}`;
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    if (!event.active) return;
    const expire = () => {
      this.timers.delete(key);
      this.onExpired(conversationId, { ...event, active: false, expiresInMs: 0 });
    };
    this.timers.set(key, setTimeout(expire, event.expiresInMs));
  }
}
