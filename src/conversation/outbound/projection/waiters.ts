interface Waiter {
  rev: number;
  resolve: (reached: boolean) => void;
}

/** Calls that wait until D1 has a revision. */
export class Waiters {
  private readonly waiters = new Set<Waiter>();

  get size(): number {
    return this.waiters.size;
  }

  /** Resolves to whether D1 had everything up to `rev` within a time. */
  wait(rev: number, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter.resolve(false), timeoutMs);
      const waiter: Waiter = {
        rev,
        resolve: (reached) => {
          clearTimeout(timer);
          this.waiters.delete(waiter);
          resolve(reached);
        },
      };
      this.waiters.add(waiter);
    });
  }

  /** D1 has everything up to `cursor`: answers those who waited for that; how many they were. */
  settle(cursor: number): number {
    const answered = [...this.waiters].filter(({ rev }) => rev <= cursor);
    for (const waiter of answered) waiter.resolve(true);
    return answered.length;
  }

  /** D1 failed: answers everybody. */
  giveUp(cursor: number): void {
    for (const waiter of [...this.waiters]) waiter.resolve(waiter.rev <= cursor);
  }
}
