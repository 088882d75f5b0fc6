import type { ServerEvent } from "./received.ts";

type EventOf<Type extends ServerEvent["type"]> = Extract<ServerEvent, { type: Type }>;

/** Who is there and who is typing: nothing of it has a revision, and each session starts anew. */
export class Presence {
  /** Who is there; in a large conversation nobody is named. */
  readonly online = new Set<string>();
  /** How many are there, where nobody is named. */
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
