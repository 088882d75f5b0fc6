/**
 * How long a request waited for what, in milliseconds, for its `Server-Timing`. Clocks of Workers stand
 * still between input and output, so computing does not count.
 */
export class Timing {
  private readonly started = Date.now();
  private readonly waited = new Map<string, number>();

  /** Counts the time until `work` has settled towards `name`. */
  async of<T>(name: string, work: Promise<T>): Promise<T> {
    const since = Date.now();
    try {
      return await work;
    } finally {
      this.waited.set(name, (this.waited.get(name) ?? 0) + Date.now() - since);
    }
  }

  header(): string {
    const all = [...this.waited, ["total", Date.now() - this.started] as const];
    return all.map(([name, duration]) => `${name};dur=${duration}`).join(", ");
  }
}
