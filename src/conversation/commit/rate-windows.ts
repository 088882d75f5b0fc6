import type { ChangeLimiter } from "../change-limiter.ts";
import { RecentTimes } from "./recent-times.ts";
import { SendTimes } from "./send-times.ts";

/**
 * What people have done within the rate windows. Sends are restored from the log after a wake. The
 * others are in memory only: after hibernation, which takes ten idle seconds, they start at zero.
 */
export class RateWindows {
  readonly sends: SendTimes;
  readonly changes = new RecentTimes();
  readonly reads = new RecentTimes();
  readonly everywhere: ChangeLimiter | undefined;

  constructor(sql: SqlStorage, everywhere: ChangeLimiter | undefined) {
    this.sends = new SendTimes(sql);
    this.everywhere = everywhere;
  }
}
