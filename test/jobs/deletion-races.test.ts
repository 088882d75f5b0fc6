import { runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { RETAINING } from "../../src/conversation/decide/purge.ts";
import { SubscriberCalls } from "../../src/conversation/outbound/subscribers/subscriber-calls.ts";
import { Inbox } from "../../src/inbox/object.ts";
import { within } from "../conversation/searching.ts";
import { Hub } from "../gateway/line.ts";
import { directPair, groupOf, objectOf, person, send } from "../support.ts";
import { settled } from "./epochs.ts";
import { orderOf, runJob } from "./with-kills.ts";

/** What is committed while a deletion has gateways leave: by sends with files, the before-send hook, or D1. */

afterEach(() => {
  vi.restoreAllMocks();
});

async function destroying() {
  const { alice, conversationId } = await directPair();
  await send(alice, conversationId, "hello");
  const hub = await Hub.connect(alice);
  expect(await hub.ask("JoinConversation", conversationId)).toHaveProperty("rev");
  const open = await within(conversationId, (open) => open);
  const { promise, resolve } = Promise.withResolvers<void>();
  const told = vi.spyOn(SubscriberCalls.prototype, "ask").mockReturnValue(promise as never);
  const ended = objectOf(conversationId)
    .destroy()
    .then(
      (it) => it,
      () => undefined,
    );
  await vi.waitFor(() => expect(told).toHaveBeenCalled());
  return { alice, conversationId, open, ended, resolve };
}

test("the removal is newer than whatever was committed on the way", async () => {
  const { alice, conversationId, open, ended, resolve } = await destroying();
  const rev = await runInDurableObject(objectOf(conversationId), async () => {
    for (let number = 1; number <= 3; number++) {
      const actor = { userId: alice.userId, name: null, avatarUrl: null } as const;
      const late = { type: "send", kind: "text", content: "late", maxLength: 100 } as const;
      await open.submitAll({ ...actor, role: "user", reach: "member" }, [late]);
    }
    const { rev } = open.memory.counters;
    resolve();
    return rev;
  });
  await ended;
  const tombstone = await objectOf(conversationId).destroy();
  if (!tombstone || tombstone === "held") throw new Error("it was not deleted");
  expect(tombstone.rev).toBeGreaterThan(rev);
});

test("a legal hold that is taken on the way stands", async () => {
  const { alice, conversationId, open, ended, resolve } = await destroying();
  await runInDurableObject(objectOf(conversationId), async () => {
    await open.submitAll(RETAINING, [{ type: "hold", subject: alice.userId, standing: true }]);
    resolve();
  });
  await ended;
  expect(await objectOf(conversationId).destroy()).toBe("held");
  expect((await send(alice, conversationId, "still here")).status).toBe(201);
});

test("a legal hold that is placed on the way is answered once it is known what came of the deletion", async () => {
  const { alice, conversationId, ended } = await destroying();
  const asked = await objectOf(conversationId)
    .rearm(alice.userId)
    .then(String, (error: Error) => error.message);
  const early = await runInDurableObject(objectOf(conversationId), async (object) => {
    const held = object.hold("", true).then(() => "answered");
    const turn = new Promise<string>((resolve) => setTimeout(resolve, 0, "waits"));
    return Promise.race([held, turn]);
  });
  await runInDurableObject(objectOf(conversationId), (_, context) =>
    context.abort("killed by the test"),
  ).catch(() => undefined);
  await ended;
  expect(early).toBe("waits");
  // An inbox asks again.
  expect(asked).toContain("deleted");
  vi.restoreAllMocks();
  expect(await objectOf(conversationId).hold("", true)).toBe(true);
  expect(await objectOf(conversationId).destroy()).toBe("held");
});

test("D1 knows whoever was let in just before, so that their inbox is told", async () => {
  const [alice, bob, dora] = [await person("alice"), await person("bob"), await person("dora")];
  const id = await groupOf(alice, bob);
  await settled(id);
  await within(id, (open) => {
    const actor = { userId: alice.userId, name: null, avatarUrl: null, role: "user" } as const;
    const { userId } = dora;
    const add = { type: "add", person: { userId, name: null, avatarUrl: null } } as const;
    void open.submitAll({ ...actor, reach: "member" }, [add]);
  });
  const told = vi.spyOn(Inbox.prototype, "deleted");
  const order = orderOf("delete-conversation", { conversationId: id }, id);
  const { view } = await runJob(order, { kills: false });
  expect(view).toMatchObject({ state: "done", result: { members: 3 } });
  expect(told).toHaveBeenCalledTimes(3);
});
