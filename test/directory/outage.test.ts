import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { type Caller, directPair, fireAlarms, objectOf, send } from "../support.ts";

function failD1() {
  const fail = () => Promise.reject(new Error("D1_ERROR: out of order"));
  vi.spyOn(env.DB, "batch").mockImplementation(fail);
}

async function inboxOf(caller: Caller) {
  const { body } = await caller.get("/api/v1/chat/conversations");
  return body[0];
}

test("while D1 fails, sends and history work; afterwards the inbox catches up", async () => {
  const { alice, bob, conversationId } = await directPair();
  failD1();
  const first = await send(alice, conversationId, "one");
  expect(first.status).toBe(201);
  expect(first.headers.get("Warning")).toContain("lists may not show this");
  const second = await send(bob, conversationId, "two");
  expect(second.status).toBe(201);
  const history = await bob.get(`/api/v1/chat/messages?conversationId=${conversationId}`);
  expect(history.body.totalCount).toBe(2);
  expect(await inboxOf(bob)).toMatchObject({ lastMessage: null, unreadCount: 0 });

  vi.restoreAllMocks();
  await fireAlarms(conversationId);
  expect(await inboxOf(bob)).toMatchObject({ lastMessage: { content: "two" }, unreadCount: 1 });
  expect(await inboxOf(alice)).toMatchObject({ unreadCount: 1 });
});

test("after a crash between commit and projection, an alarm updates the lists", async () => {
  const { alice, bob, conversationId } = await directPair();
  failD1();
  await send(alice, conversationId, "nobody told D1");
  await evictDurableObject(objectOf(conversationId));
  vi.restoreAllMocks();
  expect((await inboxOf(bob)).lastMessage).toBeNull();
  expect(await runDurableObjectAlarm(objectOf(conversationId))).toBe(true);
  expect(await inboxOf(bob)).toMatchObject({
    lastMessage: { content: "nobody told D1" },
    unreadCount: 1,
  });
});

test("an alarm during an outage sets the next one", async () => {
  const { alice, bob, conversationId } = await directPair();
  failD1();
  await send(alice, conversationId, "one");
  for (let i = 0; i < 8; i++) {
    expect(await runDurableObjectAlarm(objectOf(conversationId))).toBe(true);
  }
  vi.restoreAllMocks();
  await fireAlarms(conversationId);
  expect(await inboxOf(bob)).toMatchObject({ lastMessage: { content: "one" } });
});
