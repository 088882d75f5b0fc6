/** Searches of one conversation that are under way at a time; each in slices, in turns. */
const MAX_RUNNING = 4;
/** Searches that wait. */
const MAX_WAITING = 28;
/** Searches of one person, those that wait included: one who types asks again before the answer. */
const MAX_OF_USER = 4;

/** Carries out the searches of a conversation, some at a time and the others in order. */
export class SearchQueue {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly ofUser = new Map<string, number>();

  /** `undefined`: there are too many. */
  run<T>(userId: string, work: () => Promise<T>): Promise<T> | undefined {
    const own = this.ofUser.get(userId) ?? 0;
    if (own >= MAX_OF_USER || this.waiting.length >= MAX_WAITING) return undefined;
    this.ofUser.set(userId, own + 1);
    return this.inTurn(work).finally(() => {
      const left = (this.ofUser.get(userId) ?? 1) - 1;
      if (left > 0) this.ofUser.set(userId, left);
      else this.ofUser.delete(userId);
    });
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < MAX_RUNNING) this.running++;
    // Whoever ends passes the place on.
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }
}
