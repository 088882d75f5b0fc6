import type { Kind } from "../domain/conversation.ts";
import type { Result } from "../domain/error.ts";
import { ok } from "../domain/error.ts";
import { type ChosenLevel, defaultLevel, type Level } from "../domain/notification-level.ts";
import type { InboxRow, LevelEvent } from "../live/inbox-events.ts";
import type { Preferences } from "./preferences.ts";

export interface LevelsOptions {
  preferences: Preferences;
  clock: () => number;
  /** Sends an event to everybody who follows the inbox. */
  broadcast: (event: LevelEvent) => void;
  /** The level of a conversation is over, which may have stopped calling because of it. */
  onEnd: (conversationId: string) => void;
  /** Has {@link Levels.check} called at a time, or sooner. */
  checkAt: (time: number) => void;
}

/** Shows a user's sockets the levels of their conversations: in rows, and whenever one changes. */
export class Levels {
  private readonly options: LevelsOptions;

  constructor(options: LevelsOptions) {
    this.options = options;
  }

  /** What the user has chosen for a conversation, while it holds. */
  chosen(conversationId: string): ChosenLevel | undefined {
    const { preferences, clock } = this.options;
    return preferences.chosen(conversationId, clock());
  }

  /** Sets a level, `undefined` the default one, and tells the sockets; what holds then. */
  set(
    conversationId: string,
    kind: Kind,
    chosen: ChosenLevel | undefined,
  ): Result<ChosenLevel | undefined> {
    const { preferences, clock, checkAt } = this.options;
    const now = clock();
    const before = preferences.level(conversationId, kind, now);
    const set = preferences.setLevel(conversationId, kind, chosen, now);
    if (!set.ok) return set;
    const level = preferences.level(conversationId, kind, now);
    if (level !== before)
      this.tell(conversationId, level === defaultLevel(kind) ? undefined : level);
    const held = preferences.chosen(conversationId, now);
    if (held?.until) checkAt(held.until);
    return ok(held);
  }

  /** A row as it is sent: with the level, where that is not the default. */
  rowOf(row: InboxRow): InboxRow {
    if ("removed" in row) return row;
    const { preferences, clock } = this.options;
    const level = preferences.level(row.conversationId, row.kind, clock());
    return level === defaultLevel(row.kind) ? row : { ...row, ...shown(level) };
  }

  /** Ends the levels that are over. */
  check(): void {
    const { preferences, clock, checkAt, onEnd } = this.options;
    for (const conversationId of preferences.forgetOver(clock())) {
      this.tell(conversationId, undefined);
      onEnd(conversationId);
    }
    const { nextEnd } = preferences;
    if (nextEnd !== undefined) checkAt(nextEnd);
  }

  /** `undefined`: the default. */
  private tell(conversationId: string, level: Level | undefined): void {
    this.options.broadcast({ type: "level", conversationId, ...(level && shown(level)) });
  }
}

function shown(level: Level): Pick<LevelEvent, "level" | "muted"> {
  return level === "none" ? { level, muted: true } : { level };
}
