/**
 * Where a user is connected besides their inbox: conversations and gateways report when they come and go.
 * One that ended without a report (a crash) is found by asking it. Pure; times are milliseconds since the
 * epoch.
 */

/** An object that holds connections of the user: what it is, and its name. */
export type PresenceSource = readonly [kind: string, id: string];

/**
 * Sources with a connection that are kept: the newest. A ban ends the connections at these, so that one that is
 * left out would stay open.
 */
export const MAX_SOURCES = 2_000;
/** Sources that have ended which are kept, for the order of reports. */
export const MAX_ENDED = 200;
/** How long a source counts without being asked. */
export const CONFIRMED_MS = 5 * 60_000;

/** How long a connection must last before it is reported, at most: a banned user's is ended soon after. */
export const MAX_REPORT_DELAY_MS = 2_000;

export interface Reported {
  readonly source: PresenceSource;
  /** When it reported last. */
  readonly at: number;
  readonly isConnected: boolean;
  /** When it was known last to have a connection. */
  readonly confirmedAt: number;
}

/** By {@link keyOf}, the one that was confirmed last at the end. */
export type Sources = ReadonlyMap<string, Reported>;

export function keyOf([kind, id]: PresenceSource): string {
  return `${kind} ${id}`;
}

/** The user connected there at a time. A report that is older than another one of the source changes nothing. */
export function arrived(sources: Sources, source: PresenceSource, at: number): Sources {
  return reported(sources, source, at, true);
}

/** Their last connection there ended. */
export function left(sources: Sources, source: PresenceSource, at: number): Sources {
  return reported(sources, source, at, false);
}

function reported(
  sources: Sources,
  source: PresenceSource,
  at: number,
  isConnected: boolean,
): Sources {
  const key = keyOf(source);
  const known = sources.get(key);
  if (known && (known.at > at || (known.at === at && known.isConnected === isConnected))) {
    return sources;
  }
  const next = new Map(sources);
  next.delete(key);
  next.set(key, { source, at, isConnected, confirmedAt: at });
  let count = 0;
  let oldest: string | undefined;
  for (const [other, one] of next) {
    if (one.isConnected !== isConnected) continue;
    oldest ??= other;
    count++;
  }
  const isFull = count > (isConnected ? MAX_SOURCES : MAX_ENDED);
  if (isFull && oldest !== undefined) next.delete(oldest);
  return next;
}

/** A source was asked, and has a connection. */
export function confirmed(sources: Sources, source: PresenceSource, now: number): Sources {
  const known = sources.get(keyOf(source));
  if (!known?.isConnected) return sources;
  const next = new Map(sources);
  next.delete(keyOf(source));
  return next.set(keyOf(source), { ...known, confirmedAt: now });
}

export function hasConnection(sources: Sources): boolean {
  for (const { isConnected } of sources.values()) if (isConnected) return true;
  return false;
}

/** The source to ask, where the user is connected by none that was confirmed lately; the newest first. */
export function unconfirmed(sources: Sources, now: number): PresenceSource | undefined {
  const connected = [...sources.values()].filter(({ isConnected }) => isConnected);
  if (connected.some(({ confirmedAt }) => Math.abs(now - confirmedAt) < CONFIRMED_MS)) {
    return undefined;
  }
  return connected.at(-1)?.source;
}
