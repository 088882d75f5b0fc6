import type { ServerEvent } from "../live/events.ts";

type Typing = Extract<ServerEvent, { type: "typing" }>;

/**
 * Who is typing, as far as a client knows. The live protocol's clients forget it by themselves and so
 * need not say that they stopped; those of gateways wait for the word. A timer waits for it, for the
 * seconds that it takes.
 */
export class Typists {
  private readonly onStopped: (conversationId: string, event: Typing) => void;
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(onStopped: (conversationId: string, event: Typing) => void) {
    this.onStopped = onStopped;
  }

  /** Somebody has said that they type, or not any more. */
  follow(conversationId: string, event: Typing): void {
    const key = `${conversationId} ${event.userId}`;
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    if (!event.active) return;
    const stop = () => {
      this.timers.delete(key);
      this.onStopped(conversationId, { ...event, active: false, expiresInMs: 0 });
    };
    this.timers.set(key, setTimeout(stop, event.expiresInMs));
  }
}
