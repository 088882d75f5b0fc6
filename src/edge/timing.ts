/**
 * Measures what a request waited for, in milliseconds, for its `Server-Timing` header. Clocks in
 * Workers stop between I/O, so CPU time is not included.
 */
export class Timing {
  private readonly started = Date.now();
  private readonly waited = new Map<string, number>();

  /** Adds the time until `work` settles to `name`. */
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
