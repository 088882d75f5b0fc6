import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { onTestFinished, vi } from "vitest";
import { OFFLINE_AFTER_MS } from "../../src/domain/presence.ts";
import type { Caller } from "../support.ts";
import { type InboxReplica, inboxOf } from "./replica.ts";

/** What tests of presence share: whom an inbox watches, and the clock. */

/** The presence events of a user that an inbox was sent: online or not. */
export function toldOf(inbox: InboxReplica, person: Caller): boolean[] {
  return inbox.events.flatMap((event) =>
    event.type === "presence" && event.userId === person.userId ? event.online : [],
  );
}

/** Watches somebody, and waits for their presence. */
export async function watch(inbox: InboxReplica, ...people: Caller[]): Promise<void> {
  const before = inbox.events.length;
  inbox.send({ op: "watch", id: "watch", userIds: people.map(({ userId }) => userId) });
  await inbox.until(() =>
    people.every(({ userId }) =>
      inbox.events
        .slice(before)
        .some((event) => event.type === "presence" && event.userId === userId),
    ),
  );
}

/** Has the clock of all objects stand still, until it is moved. */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
}

export function moveClock(milliseconds: number): void {
  vi.setSystemTime(Date.now() + milliseconds);
}

/** Sends something, as a client does after the clock was moved: one that is silent is closed. */
export async function stayConnected(inbox: InboxReplica): Promise<void> {
  const id = crypto.randomUUID();
  inbox.send({ op: "unwatch", id, userIds: ["nobody"] });
  await inbox.until(() => inbox.events.some((event) => event.type === "ack" && event.id === id));
}

/** Fires the alarm of an inbox. */
export function fireAlarm(person: Caller): Promise<boolean> {
  return runDurableObjectAlarm(inboxOf(person));
}

/** Waits until the last connection of a user has ended: when that was. */
export function leaving(person: Caller): Promise<number> {
  return vi.waitFor(async () => {
    const [row] = await rowsOf(person, "presence");
    if (typeof row?.["left_at"] !== "number") throw new Error("still connected");
    return row["left_at"];
  });
}

/** Lets the grace of a user end who has disconnected. */
export async function endGrace(person: Caller): Promise<void> {
  moveClock(OFFLINE_AFTER_MS);
  await fireAlarm(person);
}

export async function evictInbox(
  person: Caller,
  options?: Parameters<typeof evictDurableObject>[1],
): Promise<void> {
  await runInDurableObject(inboxOf(person), () => undefined);
  await evictDurableObject(inboxOf(person), options);
}

/** Rows of a table of an inbox. */
export function rowsOf(person: Caller, table: string): Promise<Record<string, unknown>[]> {
  return runInDurableObject(inboxOf(person), (_, { storage: { sql } }) => {
    const exists = sql.exec("SELECT 1 FROM sqlite_master WHERE name = ?", table).toArray();
    return exists.length === 0 ? [] : sql.exec(`SELECT * FROM ${table}`).toArray();
  });
}

/** The presence of somebody, over REST; `undefined`: not shown. */
export async function presenceOver(caller: Caller, person: Caller) {
  const { body } = await caller.get(`/api/users/presence?ids=${person.userId}`);
  return body.users[0];
}

/** What an object wrote, by the platform's counter, and how often its RPC was called, while something ran. */
export interface Used {
  rowsWritten: number;
  alarms: number;
  calls: string[];
}

const RPC = [
  ...["update", "arrived", "left", "watch", "presenceNow", "presenceOf", "unwatched"],
  ...["presenceOfOthers", "showIn", "connection"],
];

/** Counts what the inbox of a person uses while something runs. */
export async function usedBy(person: Caller, action: () => Promise<unknown>): Promise<Used> {
  const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  const used: Used = { rowsWritten: 0, alarms: 0, calls: [] };
  const undo: (() => void)[] = [];
  await runInDurableObject(inboxOf(person), (instance, { storage }) => {
    const exec = storage.sql.exec.bind(storage.sql);
    const sql = vi.spyOn(storage.sql, "exec").mockImplementation((query, ...bindings) => {
      const cursor = exec(query, ...bindings);
      cursors.push(cursor);
      return cursor as ReturnType<typeof exec<never>>;
    });
    const setAlarm = storage.setAlarm.bind(storage);
    const alarms = vi.spyOn(storage, "setAlarm").mockImplementation((...parameters) => {
      used.alarms++;
      return setAlarm(...parameters);
    });
    undo.push(
      () => sql.mockRestore(),
      () => alarms.mockRestore(),
    );
    for (const name of RPC) {
      // biome-ignore lint/suspicious/noExplicitAny: wraps methods of a class
      const type: any = Object.getPrototypeOf(instance);
      const real = type[name];
      type[name] = function (this: unknown, ...parameters: unknown[]) {
        if (this === instance) used.calls.push(name);
        return real.apply(this, parameters);
      };
      undo.push(() => {
        type[name] = real;
      });
    }
  });
  try {
    await action();
  } finally {
    for (const restore of undo) restore();
  }
  // An unfinished cursor can be read only inside its object.
  used.rowsWritten = await runInDurableObject(inboxOf(person), () =>
    cursors.reduce((sum, cursor) => sum + cursor.rowsWritten, 0),
  );
  return used;
}
