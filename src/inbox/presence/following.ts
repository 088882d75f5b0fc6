import { MAX_FOLLOWING } from "../../domain/presence.ts";
import type { PresenceSource } from "../../domain/presence-sources.ts";
import { deletePlace, putPlace, readPlaces } from "./tables.ts";

const HOUR_MS = 60 * 60_000;
/** How long a conversation is told that shows the user to nobody: asking again costs more rows than a day of calls. */
const KEPT_MS = 24 * HOUR_MS;
/** A conversation that asks again is stored again after so long. */
const RENEWED_MS = 12 * HOUR_MS;

/** The conversations that are told of a user's connections: one row each, the newest {@link MAX_FOLLOWING}. */
export class Following {
  private readonly sql: SqlStorage;
  private known: Map<string, number> | undefined;

  constructor(sql: SqlStorage) {
    this.sql = sql;
  }

  /** All of them, as places that can be told. */
  all(): PresenceSource[] {
    return Array.from(this.read().keys(), (id) => ["conversation", id]);
  }

  /** Adds one; returns the one that is dropped for it, if any. */
  add(id: string, now: number): PresenceSource | undefined {
    const known = this.read();
    const since = known.get(id);
    if (since !== undefined && now - since < RENEWED_MS) return undefined;
    putPlace(this.sql, id, now);
    known.delete(id);
    known.set(id, now);
    const [oldest] = known.keys();
    if (known.size <= MAX_FOLLOWING || oldest === undefined) return undefined;
    this.remove(oldest);
    return ["conversation", oldest];
  }

  /** A conversation shows the user to nobody; it is removed where it has not asked for long. */
  isAway(id: string, now: number): void {
    const since = this.read().get(id);
    if (since !== undefined && now - since >= KEPT_MS) this.remove(id);
  }

  /** A conversation is not told any more: there is none. */
  forget(id: string): void {
    if (this.read().has(id)) this.remove(id);
  }

  private remove(id: string): void {
    deletePlace(this.sql, id);
    this.read().delete(id);
  }

  private read(): Map<string, number> {
    this.known ??= readPlaces(this.sql);
    return this.known;
  }
}
