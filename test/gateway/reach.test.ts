import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeEach, expect, test, vi } from "vitest";
import type { GatewayStub } from "../../src/conversation/outbound/subscribers/gateway-api.ts";
import { type Caller, directPair, objectOf, openLive, send } from "../support.ts";
import { Hub } from "./line.ts";
import { listenIn, outOfReach, reroute } from "./wire.ts";

/** How a conversation reaches gateways that are restarted, slow, or out of reach. */

let alice: Caller;
let bob: Caller;
let conversationId: string;
let hub: Hub;

beforeEach(async () => {
  ({ alice, bob, conversationId } = await directPair());
  hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
});

const within = <T>(
  call: (object: { alarm(): Promise<void> }, storage: DurableObjectStorage) => T,
) => runInDurableObject(objectOf(conversationId), (object, { storage }) => call(object, storage));

const alarm = () => within((object) => object.alarm());

/** Nothing is left to do for the alarm. */
async function expectRest(): Promise<void> {
  await vi.waitFor(async () => {
    await runDurableObjectAlarm(objectOf(conversationId));
    expect(await within((_, storage) => storage.getAlarm())).toBeNull();
  });
}

const heard = () => hub.all("ReceiveMessage").map(({ content }) => content);

test("one that was restarted is told by a fresh stub, at once and from then on", async () => {
  let asked = 0;
  await reroute(conversationId, (real) => (...address) => {
    asked++;
    return asked === 1
      ? stub(() => Promise.reject(new Error("a stub of before")))
      : real(...address);
  });
  await send(bob, conversationId, "one");
  await send(bob, conversationId, "two");
  await hub.until("ReceiveMessage", 2);
  expect(heard()).toEqual(["one", "two"]);
  expect(asked).toBe(2);
});

test("one that is reached again is left in peace", async () => {
  const tries = await outOfReach(conversationId);
  await send(bob, conversationId, "unheard");
  await vi.waitFor(() => expect(tries.failed).toBe(2));
  await tries.end();
  await alarm();
  await hub.until("ReceiveMessage", 1);
  await expectRest();
});

test("one that has left is not waited for, be it out of reach", async () => {
  const tries = await outOfReach(conversationId);
  await send(bob, conversationId, "unheard");
  await vi.waitFor(() => expect(tries.failed).toBe(2));
  await hub.ask("LeaveConversation", conversationId);
  await expectRest();
});

test("nor is one that has left while it was being told", async () => {
  const { promise, reject } = Promise.withResolvers<boolean>();
  let asked = 0;
  await reroute(
    conversationId,
    () => () =>
      stub(() => {
        asked++;
        return promise;
      }),
  );
  await send(bob, conversationId, "unheard");
  await hub.ask("LeaveConversation", conversationId);
  reject(new Error("out of reach"));
  await vi.waitFor(() => expect(asked).toBe(2));
  await expectRest();
});

test("a conversation that woke says how far it is once", async () => {
  await evictDurableObject(objectOf(conversationId));
  const asked = await listenIn(conversationId);
  await alarm();
  expect(asked).toEqual(["deliver"]);
  await alarm();
  expect(asked).toEqual(["deliver"]);
});

test("who is typing when somebody is removed does not stand for the word of it", async () => {
  const { promise, resolve } = await within(() => Promise.withResolvers<boolean>());
  const pass = vi.fn(() => promise);
  await reroute(conversationId, () => () => ({
    ...stub(() => Promise.reject(new Error("out of reach"))),
    deliverEphemeral: pass,
  }));
  const live = await openLive(bob, conversationId);
  live.send({ op: "typing", active: true });
  // That Bob is online, and that he types.
  await vi.waitFor(() => expect(pass).toHaveBeenCalledTimes(2));
  await within((object) => {
    // biome-ignore lint/suspicious/noExplicitAny: what a removal does, in a conversation of two
    const { subscribers, memory } = (object as any).open;
    subscribers.committed(
      { length: 1, for: () => ["{}"] },
      () => [],
      [{ userId: alice.userId, eventCount: 1 }],
      memory.counters.rev,
    );
  });
  await within(() => resolve(true));
  await alarm();
  const rows = await within((_, { sql }) => sql.exec("SELECT user_id FROM listeners").toArray());
  expect(rows).toEqual([{ user_id: alice.userId }]);
});

function stub(deliver: () => Promise<boolean>): GatewayStub {
  return { deliver, deliverEphemeral: async () => true, isSubscribed: async () => true };
}
