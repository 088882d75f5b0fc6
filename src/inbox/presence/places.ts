import { backoffMs } from "../../conversation/outbound/backoff.ts";
import { keyOf, type PresenceSource } from "../../domain/presence-sources.ts";

/** Places that are called at the same time. */
const CONCURRENT = 20;
/** After so many failures in a row, some eight minutes, what is left is not called any more. */
const MAX_FAILURES = 12;

export interface PlacesOptions {
  /** Tells a place the present state; every call may be made twice. */
  tell: (place: PresenceSource) => Promise<void>;
  onFailure: (error: unknown) => void;
  /** A place could not be told: {@link Places.retry} is to be called. */
  onBehind: () => void;
}

/** Tells conversations and gateways of the user's connections: each the newest state, and one call at a time. */
export class Places {
  private readonly options: PlacesOptions;
  private readonly behind = new Map<string, PresenceSource>();
  private readonly calling = new Set<string>();
  private readonly failed = new Set<string>();
  private failures = 0;
  private waiting: ((isDone: boolean) => void)[] = [];

  constructor(options: PlacesOptions) {
    this.options = options;
  }

  /** How long to wait until {@link retry}; `undefined`: there is nothing to retry. */
  get retryInMs(): number | undefined {
    return this.failed.size > 0 ? backoffMs(Math.max(1, this.failures)) : undefined;
  }

  /** Tells some places the state as it is when they are called. */
  tell(places: readonly PresenceSource[]): void {
    for (const place of places) {
      // Another entry: a call under way may have an older state, and is followed by another one.
      this.behind.set(keyOf(place), [...place]);
      this.failed.delete(keyOf(place));
    }
    this.callNext();
  }

  /** Resolves once no call is under way: whether everybody was told. */
  settled(): Promise<boolean> {
    if (this.calling.size === 0) return Promise.resolve(this.behind.size === 0);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Tells those once more who could not be told. */
  retry(): void {
    if (this.failed.size === 0) return;
    this.failures++;
    if (this.failures >= MAX_FAILURES) for (const key of this.failed) this.behind.delete(key);
    this.failed.clear();
    this.callNext();
  }

  private callNext(): void {
    for (const [key, place] of this.behind) {
      if (this.calling.size >= CONCURRENT) return;
      if (!this.calling.has(key) && !this.failed.has(key)) void this.call(key, place);
    }
    if (this.calling.size > 0) return;
    if (this.behind.size === 0) this.failures = 0;
    for (const resolve of this.waiting.splice(0)) resolve(this.behind.size === 0);
  }

  private async call(key: string, place: PresenceSource): Promise<void> {
    this.calling.add(key);
    try {
      await this.options.tell(place);
      if (this.behind.get(key) === place) this.behind.delete(key);
    } catch (error) {
      this.options.onFailure(error);
      if (this.behind.get(key) === place) this.failed.add(key);
    }
    this.calling.delete(key);
    this.callNext();
    if (this.failed.size > 0 && this.calling.size === 0) this.options.onBehind();
  }
}
