import { WINDOW_MS } from "../../domain/rate-window.ts";
import { type SendTime, sendsBackwards } from "../tables/messages.ts";
import { RecentTimes } from "./recent-times.ts";

/** After this many sends dated later than the clock, reading stops. */
const MAX_AHEAD = 1_000;

/**
 * The send times of each sender within the rate window. Kept in memory only; after a wake they are
 * rebuilt from the log of the last minute.
 */
export class SendTimes {
  private readonly sql: SqlStorage;
  private recent: RecentTimes | undefined;

  constructor(sql: SqlStorage) {
    this.sql = sql;
  }

  /** A sender's committed sends within the window, ascending. */
  of(userId: string, clock: number): readonly number[] {
    this.recent ??= rebuilt(sendsBackwards(this.sql), clock);
    return this.recent.of(userId, clock);
  }

  /** Adds the sends of a committed group. */
  add(sends: ReadonlyMap<string, readonly number[]>, clock: number): void {
    // Not loaded yet: loading will read these from the log as well.
    this.recent?.add(sends, clock);
  }
}

/**
 * The send times of a log, newest first. A message dated later than a newer one, or than the clock,
 * was sent while the clock was ahead. Its real time is unknown, so it is left out; otherwise each
 * wake would lock its sender out again. (If the clock was set back by less than the window and the
 * object slept until it caught up, nothing shows it: the lock-out then lasts that much longer.)
 */
export function rebuilt(log: Iterable<SendTime>, clock: number): RecentTimes {
  const bySender = new Map<string, number[]>();
  let next = clock;
  let ahead = 0;
  for (const { senderId, at } of log) {
    if (at <= clock - WINDOW_MS || ahead > MAX_AHEAD) break;
    if (at > next) {
      ahead++;
      continue;
    }
    next = at;
    if (senderId === null) continue;
    const times = bySender.get(senderId);
    if (times) times.push(at);
    else bySender.set(senderId, [at]);
  }
  for (const times of bySender.values()) times.reverse();
  const recent = new RecentTimes();
  recent.add(bySender, clock);
  return recent;
}
