/** The presence of a user, from any of their devices. Pure; times are milliseconds since the epoch. */

/** How long after the last connection ended a user stays online. */
export const OFFLINE_AFTER_MS = 10_000;
/** Users that one socket may watch. */
export const MAX_WATCHED = 200;
/** Those who watch one user: the newest. */
export const MAX_WATCHERS = 1_000;

/** What others are shown of a user. */
export interface ShownPresence {
  online: boolean;
  /** When their last connection ended; absent of somebody who is online, invisible or was never online. */
  lastSeenAt?: number;
  /** Rises with every change: an older state does not replace a newer one. */
  version: number;
}

export interface Presence {
  readonly online: boolean;
  /** When the last connection ended, while the user is still shown as online. */
  readonly leftAt: number | undefined;
  readonly lastSeenAt: number | undefined;
  /** Others are shown the user as offline. */
  readonly invisible: boolean;
  /** Rises with every change of what others are shown. */
  readonly version: number;
  /** The version that all watchers were told. */
  readonly told: number;
}

export type PresenceEvent =
  | { type: "connected" }
  | { type: "disconnected"; at: number }
  | { type: "time"; now: number }
  | { type: "invisible"; invisible: boolean }
  /** Who is shown the user has changed. */
  | { type: "audience" }
  | { type: "told"; version: number };

export const NEVER_ONLINE: Presence = {
  online: false,
  leftAt: undefined,
  lastSeenAt: undefined,
  invisible: false,
  version: 0,
  told: 0,
};

export function shownOf({ online, lastSeenAt, invisible, version }: Presence): ShownPresence {
  if (invisible) return { online: false, version };
  return online || lastSeenAt === undefined ? { online, version } : { online, lastSeenAt, version };
}

/** What those are shown who may not see a user, of the same version: somebody who was never online. */
export function hiddenOf({ version }: ShownPresence): ShownPresence {
  return { online: false, version };
}

/** The presence after an event; the same object where nothing changes. */
export function afterEvent(presence: Presence, event: PresenceEvent): Presence {
  if (event.type === "audience") return { ...presence, version: presence.version + 1 };
  const next = changed(presence, event);
  if (next === presence) return presence;
  const [before, after] = [shownOf(presence), shownOf(next)];
  const isShown = before.online !== after.online || before.lastSeenAt !== after.lastSeenAt;
  return isShown ? { ...next, version: presence.version + 1 } : next;
}

function changed(
  presence: Presence,
  event: Exclude<PresenceEvent, { type: "audience" }>,
): Presence {
  const { online, leftAt } = presence;
  switch (event.type) {
    case "connected":
      return online && leftAt === undefined
        ? presence
        : { ...presence, online: true, leftAt: undefined };
    case "disconnected":
      return online && leftAt === undefined ? { ...presence, leftAt: event.at } : presence;
    case "time":
      if (leftAt === undefined || event.now < leftAt + OFFLINE_AFTER_MS) return presence;
      return { ...presence, online: false, leftAt: undefined, lastSeenAt: leftAt };
    case "invisible":
      return presence.invisible === event.invisible
        ? presence
        : { ...presence, invisible: event.invisible };
    case "told":
      return event.version <= presence.told ? presence : { ...presence, told: event.version };
  }
}
