/** Events as an async iterator: unread events are buffered; the final event ends it. */
export class Feed<Event> implements AsyncIterator<Event> {
  private readonly kept: Event[] = [];
  private readonly off: () => void;
  private waiting: ((result: IteratorResult<Event>) => void)[] = [];
  private ended: boolean;

  constructor(
    listen: (listener: (event: Event) => void) => () => void,
    isLast: (event: Event) => boolean,
    ended: boolean,
  ) {
    this.ended = ended;
    this.off = listen((event) => {
      const next = this.waiting.shift();
      if (next) next({ done: false, value: event });
      else this.kept.push(event);
      if (isLast(event)) this.end();
    });
  }

  next(): Promise<IteratorResult<Event>> {
    const [value] = this.kept.splice(0, 1);
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Leaving the loop unsubscribes. */
  return(): Promise<IteratorResult<Event>> {
    this.kept.length = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  private end(): void {
    this.ended = true;
    this.off();
    for (const resolve of this.waiting.splice(0)) resolve({ done: true, value: undefined });
  }
}
