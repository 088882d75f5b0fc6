import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { restartAnew } from "../../src/conversation/start-over.ts";
import { counting } from "../conversation/counters.ts";
import { groupOf, objectOf, person, send } from "../support.ts";
import { settled, startOver } from "./epochs.ts";

/** What a new epoch takes, by the platform's counters (docs/decisions/0117). */

const MESSAGES = 30;

async function conversation(): Promise<string> {
  const [alice, bob, carl] = [await person("alice"), await person("bob"), await person("carl")];
  const id = await groupOf(alice, bob, carl);
  const ids: string[] = [];
  for (let number = 0; number < MESSAGES; number++) {
    const more = number % 10 === 0 ? { mentions: [bob.userId] } : {};
    ids.push((await send(alice, id, "text", more)).body.messageId);
  }
  for (const one of ids.slice(0, 5)) await alice.delete(`/api/v1/chat/messages/${one}`);
  await settled(id);
  return id;
}

test("in the object: a few rows, whatever the conversation holds", async () => {
  const id = await conversation();
  const counted = await counting(id, () =>
    runInDurableObject(objectOf(id), async (_, { storage }) => {
      const object = {
        storage,
        blockConcurrencyWhile: <T>(work: () => Promise<T>) => work(),
        getWebSockets: () => [],
        abort: () => undefined,
      };
      const restart = restartAnew(object as unknown as DurableObjectState, { by: "x" }, Date.now());
      await restart.catch(() => undefined);
    }),
  );
  const { rowsRead, rowsWritten, alarms } = counted;
  // The conversation, its counters, and a row for each member who was armed. Most that is read is the list of tables.
  expect({ rowsWritten, alarms }).toEqual({ rowsWritten: 4, alarms: 1 });
  expect(rowsRead).toBeLessThanOrEqual(40);
});

test("in D1: its rows are read once, and written as by a rebuild", async () => {
  const id = await conversation();
  const d1 = countingD1();
  await startOver(id, { by: "x" });
  await settled(id);
  const used = d1();
  const again = countingD1();
  await objectOf(id).rebuild("start");
  await settled(id);
  const rebuilt = again();
  // A call for each page of what D1 has, and for the row of the conversation; members are written first.
  expect(used.calls - rebuilt.calls).toBeLessThanOrEqual(7);
  expect(used.read - rebuilt.read).toBeLessThanOrEqual(25);
  expect(used.written - rebuilt.written).toBeLessThanOrEqual(5);
});

/** Counts the rows of every statement that D1 is given from now on. */
function countingD1() {
  const used = { calls: 0, read: 0, written: 0 };
  const real = new WeakMap<object, D1PreparedStatement>();
  const add = (meta: D1Meta) => {
    used.read += meta.rows_read;
    used.written += meta.rows_written;
  };
  const watched = (statement: D1PreparedStatement): D1PreparedStatement => {
    const proxy = new Proxy(statement, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        if (name === "bind") {
          return (...values: unknown[]) => watched(target.bind(...values));
        }
        return async (...given: unknown[]) => {
          used.calls++;
          const answer: { meta?: D1Meta } = await Reflect.apply(value, target, given);
          if (answer?.meta) add(answer.meta);
          return answer;
        };
      },
    });
    real.set(proxy, statement);
    return proxy;
  };
  const { prepare, batch } = env.DB;
  vi.spyOn(env.DB, "prepare").mockImplementation((query) => watched(prepare.call(env.DB, query)));
  vi.spyOn(env.DB, "batch").mockImplementation(async (statements) => {
    used.calls++;
    const results = await batch.call(
      env.DB,
      statements.map((one) => real.get(one) ?? one),
    );
    for (const { meta } of results) add(meta as D1Meta);
    return results as never;
  });
  return () => {
    vi.restoreAllMocks();
    return used;
  };
}
