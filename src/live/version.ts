/**
 * The subprotocol that clients offer and the server echoes. A breaking change takes the next name; every
 * change of the schemas is an entry in `schema-history.json`.
 */
export const PROTOCOL = "parley.v1";

/** Additions that clients ask for by `?features=`: older clients would not survive them. */
export const FEATURES = ["reactions"] as const;
export type Feature = (typeof FEATURES)[number];
/** The same of inbox sockets alone: the total of unread messages, kept up to date. */
export const TOTAL_FEATURE = "total";

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

/** How the sockets of a user are closed who is banned from the service, behind an `error` `banned`. */
export const BANNED_CLOSE = [CLOSE.notAMember, "banned"] as const;

/** Bytes of a client's frame. */
export const MAX_FRAME_BYTES = 64 * 1024;
/** Frames that cannot be read which close a socket; one is forgiven every ten seconds. */
export const MAX_BAD_FRAMES = 10;
/** Bytes of the rows of a `sync` object. */
export const MAX_SYNC_BYTES = 256 * 1024;
/** Bytes of answers that a client may ask for without showing that it reads them. */
export const MAX_UNREAD_BYTES = 4 * 1024 * 1024;
/** Bytes of answers that one socket is given in all; a client that needs more resumes on another one. */
export const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** How long after `typing` a client forgets it by itself. */
export const TYPING_EXPIRES_MS = 6_000;
/** One start and one stop of typing per person are broadcast in this time. */
export const TYPING_EVERY_MS = 3_000;
/** Sockets of one person in one conversation. */
export const MAX_SOCKETS_PER_USER = 10;
/** Commands a second and socket, apart from sends: those have the conversation's own limit. */
export const MAX_COMMANDS_PER_SECOND = 20;
/** Silence after which an object that is awake closes a socket; clients ping every 30 s. */
export const SILENCE_MS = 90_000;
