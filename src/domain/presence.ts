import { LARGE_CONVERSATION } from "./conversation.ts";

/** The presence of a user, from any of their devices. Pure; times are milliseconds since the epoch. */

/** How long after the last connection ended a user stays online. */
export const OFFLINE_AFTER_MS = 10_000;
/** Users that one socket may watch. */
export const MAX_WATCHED = 200;
/** Members of a conversation that shows them as online wherever they are connected: of all that show presence by name. */
export const MAX_FOLLOWED = LARGE_CONVERSATION;
/** Such conversations that are told of one user: those that were opened last. */
export const MAX_FOLLOWING = 100;
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

/** What conversations and gateways are told of a user, who decide by it whom they show the user as online. */
export interface ConnectionPresence {
  /** Whether any connection of theirs is open, to whatever it is. */
  connected: boolean;
  /** False: nobody is to see it. */
  visible: boolean;
  /** Rises with time, in milliseconds: an older state does not replace a newer one. */
  asOf: number;
  /** The conversation is not told of changes any more. */
  last?: true;
}

/** Of whom nothing is known: nobody sees that they are connected. */
export const UNKNOWN_PRESENCE: ConnectionPresence = { connected: true, visible: false, asOf: 0 };
/** What an inbox of the previous version says, which answers nothing. */
export const VISIBLE_PRESENCE: ConnectionPresence = { connected: true, visible: true, asOf: 0 };

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
