import { WINDOW_MS } from "../../domain/rate-window.ts";
import { type SendTime, sendsBackwards } from "../tables/messages.ts";
import { RecentTimes } from "./recent-times.ts";

/** Sends that the clock has not reached yet, after which no more of them are passed over. */
const MAX_AHEAD = 1_000;

/**
 * When each sender sent within the rate window. Nothing of it is stored: after a wake it is rebuilt
 * from the log, by one look back over the last minute.
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

  /** Takes over the sends of a group that has committed. */
  add(sends: ReadonlyMap<string, readonly number[]>, clock: number): void {
    // Nobody has asked yet: when somebody does, the log will tell of these too.
    this.recent?.add(sends, clock);
  }
}

/**
 * The times that a log tells, newest first. What it dates later than something after it, or than the
 * clock, was sent while the clock was ahead, nobody knows when: it is left out, or each wake would lock
 * its sender out anew. (A clock that was set back by less than the window, and a sleep until it has
 * caught up, leave no trace: then a lock-out lasts for as much longer.)
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
