import type { InboxProfile } from "../conversation/outbound/inboxes/inbox-api.ts";
import type { Notifications } from "../notify/notifications.ts";
import type { Blocks } from "./blocks/blocks.ts";
import type { Connections } from "./connections.ts";
import { keptRooms } from "./kept-rooms.ts";
import type { UserPresence } from "./presence/user-presence.ts";

/** Places with a connection that a profile names at most; their number is exact. */
const MAX_PLACES = 200;

export interface ProfileParts {
  notifications: Notifications;
  blocks: Blocks;
  presence: UserPresence;
  connections: Connections;
}

/** What an inbox knows of its user, as of now. Stores nothing and calls nobody. */
export function profileOf({
  notifications,
  blocks,
  presence,
  connections,
}: ProfileParts): InboxProfile {
  const places = presence.connectedSince();
  return {
    settings: notifications.preferences.settings,
    invisible: presence.isInvisible,
    levels: notifications.preferences.allChosen(Date.now()),
    devices: notifications.devices.list(),
    blocks: blocks.list(),
    connections: {
      sockets: connections.all().map(({ openedAt, identity, rooms }) => ({
        ...{ openedAt, role: identity.role, expiresAt: identity.expiresAt },
        conversationIds: keptRooms(rooms).map(({ id }) => id),
      })),
      places: places.slice(0, MAX_PLACES),
      placeCount: places.length,
    },
  };
}
