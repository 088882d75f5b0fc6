import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { objectOf } from "../support.ts";

/** The platform's counters of one run. */
export interface Counted {
  rowsRead: number;
  rowsWritten: number;
  alarms: number;
  d1RowsRead: number;
  d1RowsWritten: number;
}

/**
 * Runs something and counts, with the platform's own counters, the rows that a conversation's
 * object and D1 read and wrote.
 */
export async function counting(
  conversationId: string,
  action: () => Promise<unknown>,
): Promise<Counted> {
  const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  let alarms = 0;
  await runInDurableObject(objectOf(conversationId), (_, { storage }) => {
    const { sql } = storage;
    const exec = sql.exec.bind(sql);
    vi.spyOn(sql, "exec").mockImplementation((query, ...bindings) => {
      const cursor = exec(query, ...bindings);
      cursors.push(cursor);
      return cursor as ReturnType<typeof sql.exec<never>>;
    });
    const setAlarm = storage.setAlarm.bind(storage);
    vi.spyOn(storage, "setAlarm").mockImplementation((...args) => {
      alarms++;
      return setAlarm(...args);
    });
  });
  const d1 = { rowsRead: 0, rowsWritten: 0 };
  const batch = env.DB.batch.bind(env.DB);
  vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
    const results = await batch<never>(statements);
    // Tests share a runtime: statements of other conversations are not counted.
    if (concernsAnother(statements, conversationId)) return results;
    for (const { meta } of results) {
      d1.rowsRead += meta.rows_read;
      d1.rowsWritten += meta.rows_written;
    }
    return results;
  });
  try {
    await action();
  } finally {
    vi.restoreAllMocks();
  }
  // An unfinished cursor can be read only inside its object.
  const rows = await runInDurableObject(objectOf(conversationId), () => ({
    rowsRead: cursors.reduce((sum, cursor) => sum + cursor.rowsRead, 0),
    rowsWritten: cursors.reduce((sum, cursor) => sum + cursor.rowsWritten, 0),
  }));
  return {
    ...rows,
    alarms,
    d1RowsRead: d1.rowsRead,
    d1RowsWritten: d1.rowsWritten,
  };
}

/**
 * Has a conversation tell its members' inboxes, which nobody watches: those who have something unread are
 * not told again. Without that, the first commits are counted with it.
 */
export async function tellInboxes(conversationId: string): Promise<void> {
  await runDurableObjectAlarm(objectOf(conversationId));
}

/** Whether statements concern only other conversations. */
function concernsAnother(statements: D1PreparedStatement[], conversationId: string): boolean {
  const bound = JSON.stringify(statements);
  return /"[0-9a-f-]{13}-8[0-9a-f-]{21}"/.test(bound) && !bound.includes(conversationId);
}
