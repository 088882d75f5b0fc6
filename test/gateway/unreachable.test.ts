import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeEach, expect, test, vi } from "vitest";
import type { SubscriberStub } from "../../src/conversation/outbound/subscribers/gateway-api.ts";
import { type Caller, directPair, objectOf, openLive, send } from "../support.ts";
import { Hub } from "./line.ts";
import { outOfReach, recordCalls, replaceStubs } from "./wire.ts";

/** Delivery to gateways that are restarted, slow, or unreachable. */

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

/** Expects that no alarm remains. */
async function expectNoAlarm(): Promise<void> {
  await vi.waitFor(async () => {
    await runDurableObjectAlarm(objectOf(conversationId));
    expect(await within((_, storage) => storage.getAlarm())).toBeNull();
  });
}

const contents = () => hub.all("ReceiveMessage").map(({ content }) => content);

test("a restarted gateway receives events through a new stub, at once and afterwards", async () => {
  let asked = 0;
  await replaceStubs(conversationId, (real) => (...address) => {
    asked++;
    return asked === 1
      ? stub(() => Promise.reject(new Error("a stub of before")))
      : real(...address);
  });
  await send(bob, conversationId, "one");
  await send(bob, conversationId, "two");
  await hub.until("ReceiveMessage", 2);
  expect(contents()).toEqual(["one", "two"]);
  expect(asked).toBe(2);
});

test("after an unreachable gateway is reached, there are no more retries", async () => {
  const tries = await outOfReach(conversationId);
  await send(bob, conversationId, "unheard");
  await vi.waitFor(() => expect(tries.failed).toBe(2));
  await tries.end();
  await alarm();
  await hub.until("ReceiveMessage", 1);
  await expectNoAlarm();
});

test("an unreachable gateway that has unsubscribed is not retried", async () => {
  const tries = await outOfReach(conversationId);
  await send(bob, conversationId, "unheard");
  await vi.waitFor(() => expect(tries.failed).toBe(2));
  await hub.ask("LeaveConversation", conversationId);
  await expectNoAlarm();
});

test("a gateway that unsubscribes during a delivery is not retried", async () => {
  const { promise, reject } = Promise.withResolvers<boolean>();
  let asked = 0;
  await replaceStubs(
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
  await expectNoAlarm();
});

test("a delivery that is never answered is repeated with a fresh stub", async () => {
  let isFirst = true;
  await replaceStubs(conversationId, (real) => (...address) => {
    if (!isFirst) return real(...address);
    isFirst = false;
    return stub(() => new Promise(() => undefined));
  });
  await send(bob, conversationId, "at last");
  await hub.until("ReceiveMessage", 1);
  expect(contents()).toEqual(["at last"]);
});

test("after waking, a conversation sends its current revision once", async () => {
  await evictDurableObject(objectOf(conversationId));
  const asked = await recordCalls(conversationId);
  await alarm();
  expect(asked).toEqual(["deliver"]);
  await alarm();
  expect(asked).toEqual(["deliver"]);
});

test("a successful ephemeral delivery does not count as delivery of a removal", async () => {
  const { promise, resolve } = await within(() => Promise.withResolvers<boolean>());
  const deliverEphemeral = vi.fn(() => promise);
  await replaceStubs(conversationId, () => () => ({
    ...stub(() => Promise.reject(new Error("out of reach"))),
    deliverEphemeral: deliverEphemeral,
  }));
  const live = await openLive(bob, conversationId);
  live.send({ op: "typing", active: true });
  // Presence of Bob, and his typing.
  await vi.waitFor(() => expect(deliverEphemeral).toHaveBeenCalledTimes(2));
  await within((object) => {
    // biome-ignore lint/suspicious/noExplicitAny: simulates a removal's broadcast
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

test("the answer to an earlier delivery does not count as delivery of a removal", async () => {
  const { promise, resolve } = await within(() => Promise.withResolvers<boolean>());
  const answers = [promise];
  const deliver = vi.fn(() => answers.shift() ?? Promise.reject(new Error("out of reach")));
  await replaceStubs(conversationId, () => () => stub(deliver));
  await send(bob, conversationId, "answered late");
  await within((object) => {
    // biome-ignore lint/suspicious/noExplicitAny: simulates a removal's broadcast
    const { subscribers, memory } = (object as any).open;
    subscribers.committed(
      { length: 1, for: () => ["{}"] },
      () => [],
      [{ userId: alice.userId, eventCount: 1 }],
      memory.counters.rev,
    );
  });
  // The message, and the removal twice.
  await vi.waitFor(() => expect(deliver).toHaveBeenCalledTimes(3));
  await within(() => resolve(true));
  await alarm();
  const rows = await within((_, { sql }) => sql.exec("SELECT user_id FROM listeners").toArray());
  expect(rows).toEqual([{ user_id: alice.userId }]);
});

function stub(deliver: () => Promise<boolean>): SubscriberStub {
  const yes = async () => true;
  return { deliver, deliverEphemeral: yes, isSubscribed: yes };
}
