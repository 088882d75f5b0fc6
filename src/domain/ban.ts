import type { PlatformRole } from "./policy.ts";

/** Bans from the whole service. Times are milliseconds since the epoch. */

/** What an admin orders: a ban, or that it is lifted. */
export interface BanOrder {
  banned: boolean;
  actorId: string;
  actorRole: PlatformRole;
  /** In the words of the admin. */
  reason: string | null;
  /** When the ban ends by itself; `null`: not before it is lifted. */
  until: number | null;
}

/** The newest order about a user. */
export interface BanState {
  bannedBy: string;
  bannedAt: number;
  until: number | null;
  reason: string | null;
  liftedAt: number | null;
  /** Rises with every order about the user, also where the inbox was restored to an earlier state: at least the time. */
  version: number;
}

/** Whether a ban holds at a time. */
export function isStanding(ban: Pick<BanState, "until" | "liftedAt">, now: number): boolean {
  return ban.liftedAt === null && (ban.until === null || ban.until > now);
}

/** What an order makes of the one before it. */
export function afterOrder(before: BanState | undefined, order: BanOrder, now: number): BanState {
  const { actorId: bannedBy, until, reason } = order;
  const version = Math.max((before?.version ?? 0) + 1, now);
  if (order.banned) return { bannedBy, bannedAt: now, until, reason, liftedAt: null, version };
  const lifted = before ?? { bannedBy, bannedAt: now, until: null, reason: null };
  return { ...lifted, liftedAt: now, version };
}
