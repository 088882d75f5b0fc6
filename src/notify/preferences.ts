import type { Kind } from "../domain/conversation.ts";
import { quietHours } from "../domain/do-not-disturb.ts";
import { fail, ok, type Result } from "../domain/error.ts";
import {
  type ChosenLevel,
  defaultLevel,
  isOver,
  type Level,
  levelAt,
  MAX_LEVELS,
} from "../domain/notification-level.ts";
import type { NotificationSettings, SettingsChange } from "../domain/notification-settings.ts";
import {
  createPreferenceTables,
  deleteLevel,
  hasPreferenceTables,
  putLevel,
  putSettings,
  readLevels,
  readSettings,
} from "./preference-tables.ts";

const DEFAULT_SETTINGS: NotificationSettings = { preview: true, doNotDisturb: null };

/**
 * How a user wants to be notified: their settings, and the levels that they have chosen for conversations.
 * Stored, because the object hibernates, from the first choice on. Times are milliseconds since the epoch.
 */
export class Preferences {
  private readonly sql: SqlStorage;
  private readonly levels: Map<string, ChosenLevel>;
  private current: NotificationSettings;
  private quietAt: ((now: number) => number | undefined) | undefined;
  private isCreated: boolean;

  constructor(sql: SqlStorage) {
    this.sql = sql;
    this.isCreated = hasPreferenceTables(sql);
    this.current = (this.isCreated && readSettings(sql)) || DEFAULT_SETTINGS;
    this.levels = this.isCreated ? readLevels(sql) : new Map();
  }

  get settings(): NotificationSettings {
    return this.current;
  }

  /** Changes those settings that are given; all of them, as they are then. */
  setSettings({
    preview = this.current.preview,
    doNotDisturb = this.current.doNotDisturb,
  }: SettingsChange): NotificationSettings {
    const next = { preview, doNotDisturb };
    this.create();
    putSettings(this.sql, next);
    this.current = next;
    this.quietAt = undefined;
    return next;
  }

  /** When the hours of do-not-disturb that hold now are over; `undefined`: none hold. */
  quietUntil(now: number): number | undefined {
    const { doNotDisturb } = this.current;
    if (!doNotDisturb) return undefined;
    this.quietAt ??= quietHours(doNotDisturb);
    return this.quietAt(now);
  }

  /** The level that holds now in a conversation. */
  level(conversationId: string, kind: Kind, now: number): Level {
    return levelAt(this.levels.get(conversationId), kind, now);
  }

  /** What the user has chosen for a conversation, while it holds. */
  chosen(conversationId: string, now: number): ChosenLevel | undefined {
    const chosen = this.levels.get(conversationId);
    return chosen && !isOver(chosen, now) ? chosen : undefined;
  }

  /** All that the user has chosen and that holds. */
  allChosen(now: number): (ChosenLevel & { conversationId: string })[] {
    return [...this.levels]
      .filter(([, chosen]) => !isOver(chosen, now))
      .map(([conversationId, chosen]) => ({ conversationId, ...chosen }));
  }

  /** Stores a level, unless it is the default one; `undefined`: the default. Refuses one too many. */
  setLevel(
    conversationId: string,
    kind: Kind,
    chosen: ChosenLevel | undefined,
    now: number,
  ): Result<null> {
    if (!chosen || isOver(chosen, now) || chosen.level === defaultLevel(kind)) {
      this.forget(conversationId);
      return ok(null);
    }
    const before = this.levels.get(conversationId);
    if (before?.level === chosen.level && before.until === chosen.until) return ok(null);
    if (!before && this.levels.size >= MAX_LEVELS) return fail("too_many_levels");
    this.create();
    putLevel(this.sql, conversationId, chosen);
    this.levels.set(conversationId, chosen);
    return ok(null);
  }

  /** The default level holds again, as in a conversation that the user has left. */
  forget(conversationId: string): void {
    if (!this.levels.has(conversationId)) return;
    deleteLevel(this.sql, conversationId);
    this.levels.delete(conversationId);
  }

  /** Removes the levels that are over; of which conversations. */
  forgetOver(now: number): string[] {
    const over = [...this.levels].filter(([, chosen]) => isOver(chosen, now)).map(([id]) => id);
    for (const conversationId of over) this.forget(conversationId);
    return over;
  }

  /** When the next level is over; `undefined`: none ever is. */
  get nextEnd(): number | undefined {
    const ends = Array.from(this.levels.values(), ({ until }) => until ?? Infinity);
    const next = Math.min(...ends);
    return Number.isFinite(next) ? next : undefined;
  }

  private create(): void {
    if (this.isCreated) return;
    createPreferenceTables(this.sql);
    this.isCreated = true;
  }
}
