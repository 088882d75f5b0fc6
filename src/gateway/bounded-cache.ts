/** Entries, and UTF-16 units of them together. */
export interface CacheBounds {
  entries: number;
  units: number;
}

/** Values by text, the newest up to some bounds. */
export class BoundedCache<Value> {
  private readonly bounds: CacheBounds;
  private readonly entries = new Map<string, { value: Value; units: number }>();
  private total = 0;

  constructor(bounds: CacheBounds) {
    this.bounds = bounds;
  }

  /** The sum of all entries' units, keys included. */
  get units(): number {
    return this.total;
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: string): Value | undefined {
    return this.entries.get(key)?.value;
  }

  /** Keeps a value of so many units, unless it alone is over the bounds; the oldest entries make room. */
  set(key: string, value: Value, valueUnits: number): void {
    this.delete(key);
    const units = key.length + valueUnits;
    if (units > this.bounds.units) return;
    this.entries.set(key, { value, units });
    this.total += units;
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= this.bounds.entries && this.total <= this.bounds.units) return;
      this.delete(oldest);
    }
  }

  private delete(key: string): void {
    this.total -= this.entries.get(key)?.units ?? 0;
    this.entries.delete(key);
  }
}
