import { type ReadonlySignal, signal } from "@preact/signals";
import type { Rest } from "../../../client/rest.ts";

/** User ids in one request at most, as the server limits it. */
const ASKED_AT_ONCE = 100;

/** Display names by user id, loaded when they are needed. */
export class People {
  private readonly names = signal<ReadonlyMap<string, string>>(new Map());
  private readonly asked = new Set<string>();
  private readonly rest: Rest;

  constructor(rest: Rest) {
    this.rest = rest;
  }

  /** A name, or the id until one is known. */
  nameOf(id: string): string {
    return this.names.value.get(id) ?? id;
  }

  get known(): ReadonlySignal<ReadonlyMap<string, string>> {
    return this.names;
  }

  /** Stores a person that another answer contained. */
  learn(people: Iterable<{ id: string; name: string | null }>): void {
    const names = new Map(this.names.peek());
    for (const { id, name } of people) if (name) names.set(id, name);
    const changed = [...names].some(([id, name]) => this.names.peek().get(id) !== name);
    if (changed) this.names.value = names;
  }

  /** Requests unknown names, once for each id. */
  want(ids: Iterable<string>): void {
    const names = this.names.peek();
    const missing = [...new Set(ids)].filter((id) => !names.has(id) && !this.asked.has(id));
    for (let at = 0; at < missing.length; at += ASKED_AT_ONCE) {
      const page = missing.slice(at, at + ASKED_AT_ONCE);
      for (const id of page) this.asked.add(id);
      this.rest.people({ ids: page }).then(
        (people) => this.learn(people),
        () => {
          // Their ids are shown until the next request.
          for (const id of page) this.asked.delete(id);
        },
      );
    }
  }
}
