type Listener<Event> = (event: Event) => void;

/** A typed event emitter. */
export class Emitter<Event extends { type: string }> {
  private readonly listeners = new Map<string, Set<Listener<Event>>>();

  /**
   * Calls `listener` with every event of a type, or of all types with the name `event`; the returned
   * function removes it.
   */
  on<Type extends Event["type"] | "event">(
    type: Type,
    listener: Listener<Type extends "event" ? Event : Extract<Event, { type: Type }>>,
  ): () => void {
    const set = this.listeners.get(type) ?? new Set();
    this.listeners.set(type, set);
    // The listeners of a type are called with events of that type only.
    const added = listener as Listener<Event>;
    set.add(added);
    return () => void set.delete(added);
  }

  protected emit(event: Event): void {
    for (const name of ["event", event.type]) {
      for (const listener of [...(this.listeners.get(name) ?? [])]) {
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
}
