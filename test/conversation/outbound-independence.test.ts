import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Hub } from "../gateway/line.ts";
import { outOfReach } from "../gateway/wire.ts";
import { type Caller, directPair, objectOf, send } from "../support.ts";

/** No consumer of committed changes waits for another's backoff or timeout. */

let alice: Caller;
let bob: Caller;
let conversationId: string;
let hub: Hub;

beforeEach(async () => {
  ({ alice, bob, conversationId } = await directPair());
  hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
});
afterEach(() => void vi.restoreAllMocks());

const alarm = () => runInDurableObject(objectOf(conversationId), (object) => object.alarm());

/** Milliseconds until the alarm of the object; `undefined`: none is set. */
async function alarmInMs(): Promise<number | undefined> {
  const at = await runInDurableObject(objectOf(conversationId), (_, { storage }) =>
    storage.getAlarm(),
  );
  return at === null ? undefined : at - Date.now();
}

test("while D1 is down, an unreachable gateway is retried within its own backoff", async () => {
  vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1_ERROR: out of order"));
  await send(bob, conversationId, "delivered");
  await hub.until("ReceiveMessage", 1);
  for (let failed = 0; failed < 8; failed++) await alarm();
  expect(await alarmInMs()).toBeGreaterThan(20_000);
  const tries = await outOfReach(conversationId);
  await send(bob, conversationId, "missed");
  await vi.waitFor(() => expect(tries.failed).toBe(2));
  expect(await alarmInMs()).toBeLessThanOrEqual(1_000);
  await tries.end();
  // The platform's own alarm goes off.
  await hub.until("ReceiveMessage", 2);
  expect(hub.all("ReceiveMessage").map(({ content }) => content)).toEqual(["delivered", "missed"]);
  // The other consumers, which have nothing to do.
  await alarm();
  expect(await alarmInMs()).toBeGreaterThan(15_000);
});

test("while D1 does not answer, an unreachable gateway is retried within its own backoff", async () => {
  const { promise, reject } = await runInDurableObject(objectOf(conversationId), () =>
    Promise.withResolvers<never>(),
  );
  vi.spyOn(env.DB, "batch").mockReturnValue(promise);
  const tries = await outOfReach(conversationId);
  await send(bob, conversationId, "missed");
  await vi.waitFor(() => expect(tries.failed).toBe(2));
  const first = alarm();
  await vi.waitFor(() => expect(tries.failed).toBe(4));
  await vi.waitFor(async () => {
    const ms = await alarmInMs();
    expect(ms).toBeGreaterThan(1_000);
    expect(ms).toBeLessThanOrEqual(2_000);
  });
  await tries.end();
  await alarm();
  await hub.until("ReceiveMessage", 1);
  await runInDurableObject(objectOf(conversationId), () => reject(new Error("D1_ERROR: at last")));
  await first;
});
