type Listener<Event> = (event: Event) => void;
type Listeners<Events> = { [Name in keyof Events]?: Set<Listener<Events[Name]>> };

/** A typed event emitter. */
export class Emitter<Events extends object> {
  private readonly listeners: Listeners<Events> = {};

  /** Calls `listener` with every event of a name; the returned function removes it. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const set = this.listeners[name] ?? new Set<Listener<Events[Name]>>();
    this.listeners[name] = set;
    set.add(listener);
    return () => void set.delete(listener);
  }

  protected emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of [...(this.listeners[name] ?? [])]) {
      try {
        listener(event);
      } catch (error) {
        // A listener's exception is reported as uncaught and does not affect other listeners.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
