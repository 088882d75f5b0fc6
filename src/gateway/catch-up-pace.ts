import type { Batch } from "../conversation/outbound/subscribers/gateway-api.ts";
import { LeakyBucket, type Rate } from "../domain/budget.ts";
import type { Result } from "../domain/error.ts";

/** UTF-16 units of events: what a client misses in a day is sent at once, a whole history is not. */
const PACE: Rate = { burst: 2 * 1024 * 1024, perSecond: 512 * 1024 };
/** Pages that one connection requests at the same time; each has at most 256 KiB or one event. */
const MAX_PAGES = 8;

/**
 * How fast one connection catches up, in all its conversations together: an object cannot see whether its
 * client reads what it is sent.
 */
export class CatchUpPace {
  private readonly bucket = new LeakyBucket(PACE);
  private readonly waiting: (() => void)[] = [];
  private asking = 0;

  /** Requests a page when it is its turn. */
  page(ask: () => Promise<Result<Batch>>): Promise<Result<Batch>> {
    return this.paced(ask, (page) => (page.ok ? sizeOf(page.value) : 0));
  }

  /** The same in any form; `unitsOf` is called with what came. */
  async paced<Page>(ask: () => Promise<Page>, unitsOf: (page: Page) => number): Promise<Page> {
    if (this.asking < MAX_PAGES) this.asking++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      const waitMs = this.bucket.waitMs(0, Date.now());
      if (waitMs > 0) await new Promise<void>((resolve) => setTimeout(resolve, waitMs));
      const page = await ask();
      this.bucket.charge(unitsOf(page), Date.now());
      return page;
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.asking--;
    }
  }
}

function sizeOf({ lines }: Batch): number {
  return lines.reduce((size, line) => size + line.length, 0);
}
