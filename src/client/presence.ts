import type { EventOf } from "./received.ts";

/** Who is online and who is typing. It has no revision, and each session starts empty. */
export class Presence {
  /** Who is online; empty in a large conversation. */
  readonly online = new Set<string>();
  /** How many are online in a large conversation. */
  onlineCount = 0;
  private readonly typingUntil = new Map<string, number>();

  greet({ online }: EventOf<"hello">): void {
    this.online.clear();
    this.typingUntil.clear();
    if (typeof online === "number") {
      this.onlineCount = online;
      return;
    }
    for (const userId of online) this.online.add(userId);
    this.onlineCount = online.length;
  }

  presence({ userId, online }: EventOf<"presence">): void {
    if (online) this.online.add(userId);
    else this.online.delete(userId);
    this.onlineCount = this.online.size;
    if (!online) this.typingUntil.delete(userId);
  }

  typing({ userId, active, expiresInMs }: EventOf<"typing">, now: number): void {
    if (active) this.typingUntil.set(userId, now + expiresInMs);
    else this.typingUntil.delete(userId);
  }

  /** Who is typing at a moment. */
  typingAt(now: number): string[] {
    return [...this.typingUntil].flatMap(([userId, until]) => (until > now ? [userId] : []));
  }
}
