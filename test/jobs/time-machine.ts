import { runInDurableObject } from "cloudflare:test";
import { onTestFinished, vi } from "vitest";
import { Recovery } from "../../src/conversation/recovery.ts";
import { migrate } from "../../src/conversation/tables/schema.ts";
import { objectOf } from "../support.ts";

/**
 * Stands in for the platform's point-in-time recovery, which the local runtime does not have: copies what a
 * conversation's object stores, and puts a copy in the place of what it stores later.
 */

type Row = Record<string, SqlStorageValue>;
export type Copy = ReadonlyMap<string, readonly Row[]>;

/** What is stored before the creation. */
const NOTHING: Copy = new Map();

/** The tables of a conversation, apart from its search index: a copy has none. */
function tablesOf(sql: SqlStorage): string[] {
  return sql
    .exec<{ name: string }>(
      `SELECT name FROM sqlite_master WHERE type = 'table'
         AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'
         AND name NOT LIKE 'search\\_%' ESCAPE '\\'`,
    )
    .toArray()
    .map(({ name }) => name);
}

export function copyOf(sql: SqlStorage): Copy {
  const rowsOf = (name: string) => sql.exec<Row>(`SELECT * FROM ${name}`).toArray();
  return new Map(tablesOf(sql).map((name) => [name, rowsOf(name)]));
}

/** Leaves the tables as they were when they were copied. */
export function putBack({ sql }: DurableObjectStorage, copy: Copy): void {
  if (copy === NOTHING) {
    for (const name of tablesOf(sql)) sql.exec(`DROP TABLE ${name}`);
    return;
  }
  migrate(sql);
  // A trigger counts rows of one table in another, which therefore comes last.
  const names = tablesOf(sql).sort((a, b) => Number(a > b) - Number(a < b));
  for (const name of names) sql.exec(`DELETE FROM ${name}`);
  for (const name of names) {
    if (name === "uncounted_blocks") sql.exec(`DELETE FROM ${name}`);
    for (const row of copy.get(name) ?? []) {
      const columns = Object.keys(row);
      const values = columns.map(() => "?").join();
      sql.exec(`INSERT INTO ${name} (${columns.join()}) VALUES (${values})`, ...Object.values(row));
    }
  }
}

interface Recorded {
  storage: DurableObjectStorage;
}

/** The recovery of the platform, for states that were recorded. */
export class TimeMachine {
  private readonly states: { bookmark: string; time: number; copy: Copy }[] = [];
  /** How often a state was put in the place of the present one. */
  restores: string[] = [];

  /** Takes the place of the platform's until the test ends. */
  constructor() {
    const spies = [
      vi.spyOn(Recovery.prototype, "bookmarkAt").mockImplementation(async (at) => {
        const state = this.states.findLast(({ time }) => time <= at);
        if (!state) throw new Error("no state of that time is kept");
        return state.bookmark;
      }),
      vi.spyOn(Recovery.prototype, "currentBookmark").mockImplementation(this.storing()),
      vi.spyOn(Recovery.prototype, "restoreAtStart").mockImplementation(this.restoring()),
    ];
    onTestFinished(() => {
      for (const spy of spies) spy.mockRestore();
    });
  }

  /** Keeps the present state of a conversation. */
  async record(conversationId: string): Promise<number> {
    await runInDurableObject(objectOf(conversationId), (_, { storage }) => this.keep(storage.sql));
    return this.states.at(-1)?.time ?? 0;
  }

  /** Has the platform take the present for a time before the creation. */
  recordNothing(): number {
    const time = Date.now();
    this.states.push({
      bookmark: String(this.states.length).padStart(8, "0"),
      time,
      copy: NOTHING,
    });
    return time;
  }

  private keep(sql: SqlStorage): string {
    const time = Date.now();
    const bookmark = String(this.states.length).padStart(8, "0");
    this.states.push({ bookmark, time, copy: copyOf(sql) });
    return bookmark;
  }

  private storing() {
    const keep = (sql: SqlStorage) => this.keep(sql);
    return async function (this: unknown) {
      return keep((this as Recorded).storage.sql);
    };
  }

  private restoring() {
    const { states, restores } = this;
    return async function (this: unknown, bookmark: string) {
      const { storage } = this as Recorded;
      const state = states.find((one) => one.bookmark === bookmark);
      if (!state) throw new Error("no such bookmark");
      restores.push(bookmark);
      storage.transactionSync(() => putBack(storage, state.copy));
      await storage.sync();
    };
  }
}
