import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { Answer } from "../support.ts";

/** What a request costs: queries of D1 and the rows they read, and stubs of objects that it asks for. */
export interface Cost {
  queries: number;
  rowsRead: number;
  conversations: number;
  inboxes: number;
}

type Query = { sql: string; bindings: unknown[] };

/** Runs a request and counts; queries that read are run again, by themselves, for the platform's counters. */
export async function costOf(request: () => Promise<Answer>): Promise<Cost & { status: number }> {
  const queries: Query[] = [];
  const noting = (sql: string, statement: D1PreparedStatement) => {
    const bind = statement.bind.bind(statement);
    statement.bind = (...bindings) => {
      queries.push({ sql, bindings });
      return bind(...bindings);
    };
    return statement;
  };
  const withSession = env.DB.withSession.bind(env.DB);
  const sessions = vi.spyOn(env.DB, "withSession").mockImplementation((bookmark) => {
    const session = withSession(bookmark as string);
    const prepare = session.prepare.bind(session);
    session.prepare = (sql) => noting(sql, prepare(sql));
    return session;
  });
  const conversations = vi.spyOn(env.CONVERSATIONS, "getByName");
  const inboxes = vi.spyOn(env.INBOXES, "getByName");
  const { status } = await request();
  const calls = {
    conversations: conversations.mock.calls.length,
    inboxes: inboxes.mock.calls.length,
  };
  for (const spy of [sessions, conversations, inboxes]) spy.mockRestore();
  let rowsRead = 0;
  for (const { sql, bindings } of queries) {
    if (!/^\s*(select|with)/i.test(sql)) continue;
    const { meta } = await env.DB.prepare(sql)
      .bind(...bindings)
      .all();
    rowsRead += meta.rows_read;
  }
  return { status, queries: queries.length, rowsRead, ...calls };
}
