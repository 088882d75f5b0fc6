/**
 * The production bundle with endpoints for the benchmark: rows are counted by the platform's own
 * counters, statements can be run in an object, and objects evicted or kept awake. None of this is in src/.
 */
import unsafe from "workerd:unsafe";
import parley, { Conversation as Real } from "./index.js";

export * from "./index.js";

/** Until counts are asked for, nothing is counted or kept. */
let isCounting = false;
const counts = { rowsRead: 0, rowsWritten: 0, alarms: 0, d1RowsRead: 0, d1RowsWritten: 0 };
/** By object's storage: cursors that have not been counted yet; only their object can read them. */
const cursors = new WeakMap();

/** Returns the counts since the last call, and resets them. */
function taken(storage) {
  for (const cursor of cursors.get(storage).splice(0)) {
    counts.rowsRead += cursor.rowsRead;
    counts.rowsWritten += cursor.rowsWritten;
  }
  const result = { ...counts };
  for (const name of Object.keys(counts)) counts[name] = 0;
  return result;
}

function watched(storage) {
  const { sql } = storage;
  const own = [];
  cursors.set(storage, own);
  const exec = sql.exec.bind(sql);
  sql.exec = (...args) => {
    const cursor = exec(...args);
    if (isCounting) own.push(cursor);
    return cursor;
  };
  const setAlarm = storage.setAlarm.bind(storage);
  storage.setAlarm = (...args) => {
    counts.alarms++;
    return setAlarm(...args);
  };
}

function add({ meta }) {
  counts.d1RowsRead += meta.rows_read;
  counts.d1RowsWritten += meta.rows_written;
}

const BARE = Symbol("the statement itself");

/** A database, a session of it or a statement, whose results are counted. */
function counted(target) {
  return new Proxy(target, {
    get(_, name) {
      if (name === BARE) return target;
      const value = target[name];
      if (typeof value !== "function") return value;
      return countedCall(target, name, value);
    },
  });
}

function countedCall(target, name, value) {
  switch (name) {
    case "prepare":
    case "bind":
    case "withSession":
      return (...args) => counted(value.apply(target, args));
    case "batch":
      return async (statements) => {
        const results = await target.batch(statements.map((one) => one[BARE] ?? one));
        results.forEach(add);
        return results;
      };
    case "all":
    case "run":
      return async (...args) => {
        const result = await value.apply(target, args);
        add(result);
        return result;
      };
    case "raw":
      // This method returns no counts, so the statement is run by another method that does.
      return async (...args) => {
        add(await target.all());
        return target.raw(...args);
      };
    default:
      return value.bind(target);
  }
}

const environments = new WeakMap();
function countedEnv(env) {
  const known = environments.get(env) ?? { ...env, DB: counted(env.DB) };
  environments.set(env, known);
  return known;
}

export class Conversation extends Real {
  constructor(ctx, env) {
    watched(ctx.storage);
    super(ctx, countedEnv(env));
  }

  /** Counts from now on, or not any more. */
  takeCounts(isLast) {
    isCounting = !isLast;
    return taken(this.ctx.storage);
  }

  /** What a call costs. */
  nothing() {
    return null;
  }

  /** Keeps this object from hibernating. */
  keepAwake() {
    this.ctx.waitUntil(
      new Promise((resolve) => {
        this.letSleep = resolve;
      }),
    );
  }

  /** Ends that. False where the object was evicted since, and so was not awake. */
  mayHibernate() {
    const wasAwake = this.letSleep !== undefined;
    this.letSleep?.();
    return wasAwake;
  }

  /** Returns the rows of the last one. */
  runStatements(statements) {
    let rows = [];
    for (const statement of statements) rows = this.ctx.storage.sql.exec(statement).toArray();
    return rows;
  }
}

/** Calls objects that do nothing, so many at a time. */
async function callAll(env, { ids, atOnce }) {
  const rest = [...ids];
  const calling = async () => {
    for (let id = rest.pop(); id !== undefined; id = rest.pop()) {
      await env.CONVERSATIONS.getByName(id).nothing();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, calling));
}

export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    if (!url.pathname.startsWith("/bench/")) return parley.fetch(request, countedEnv(env), ctx);
    const stub = env.CONVERSATIONS.getByName(url.searchParams.get("id") ?? "none");
    switch (url.pathname) {
      case "/bench/counts":
        return Response.json(await stub.takeCounts(url.searchParams.has("last")));
      case "/bench/nothing":
        await stub.nothing();
        break;
      case "/bench/calls":
        await callAll(env, await request.json());
        break;
      case "/bench/awake":
        await stub.keepAwake();
        break;
      case "/bench/asleep":
        return Response.json(await stub.mayHibernate());
      case "/bench/run":
        return Response.json(await stub.runStatements(await request.json()));
      case "/bench/evict":
        try {
          await unsafe.evict(stub, { webSockets: "hibernate" });
        } catch (error) {
          // The object sleeps already.
          if (!String(error).includes("not currently running")) throw error;
        }
        break;
    }
    return Response.json({});
  },
};
