import type { Kind } from "./conversation.ts";

/** Of which messages of a conversation a member is notified: all, those that mention them, or none. */
export const LEVELS = ["all", "mentions", "none"] as const;
export type Level = (typeof LEVELS)[number];

/** The level of those who have chosen none. */
export type DefaultLevel = Exclude<Level, "none">;

/** The farthest that a level may end in the future. */
export const MAX_LEVEL_MS = 366 * 24 * 60 * 60_000;
/** Conversations for which a user may have another level than the default. */
export const MAX_LEVELS = 1_000;

/** A level that a member has chosen; `until`: when the default holds again, `null`: never. */
export interface ChosenLevel {
  level: Level;
  until: number | null;
}

export function defaultLevel(kind: Kind): DefaultLevel {
  return kind === "channel" ? "mentions" : "all";
}

/** Whether what a member has chosen no longer holds. */
export function isOver({ until }: ChosenLevel, now: number): boolean {
  return until !== null && until <= now;
}

/** The level that holds now. */
export function levelAt(chosen: ChosenLevel | undefined, kind: Kind, now: number): Level {
  return chosen && !isOver(chosen, now) ? chosen.level : defaultLevel(kind);
}
