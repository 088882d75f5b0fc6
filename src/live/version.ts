/** The subprotocol that clients offer and the server echoes. A breaking change takes the next name. */
export const PROTOCOL = "parley.v1";

/**
 * A hash of the schemas of everything that goes over the socket. A test fails when it does not fit: a
 * change that old clients cannot live with takes the next {@link PROTOCOL}, any other only a new hash.
 */
export const SCHEMA_HASH = "2c6545d97eef9e32";

/** What marks the subprotocol that carries a browser's token: `bearer.<jwt>`. Never echoed. */
export const BEARER_PREFIX = "bearer.";

/** Close codes, as docs/protocol.md lists them. */
export const CLOSE = {
  abuse: 4400,
  unauthenticated: 4401,
  notAMember: 4403,
  notFound: 4404,
  goingAway: 1012,
  tryAgainLater: 1013,
} as const;

/** Bytes of a client's frame. */
export const MAX_FRAME_BYTES = 64 * 1024;
/** Bad frames in a row that close a socket. */
export const MAX_BAD_FRAMES = 10;
/** Bytes of a `sync` object, as far as its rows reach. */
export const MAX_SYNC_BYTES = 256 * 1024;
/** How long after `typing` a client forgets it by itself. */
export const TYPING_EXPIRES_MS = 6_000;
/** Sockets of one person in one conversation. */
export const MAX_SOCKETS_PER_USER = 10;
/** Commands a second and socket, sends apart: those have the conversation's own limit. */
export const MAX_COMMANDS_PER_SECOND = 20;
/** Silence after which an object that is awake closes a socket; clients ping every 30 s. */
export const SILENCE_MS = 90_000;
