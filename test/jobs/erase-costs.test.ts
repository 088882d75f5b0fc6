import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { Conversation } from "../../src/conversation/object.ts";
import { Inbox } from "../../src/inbox/object.ts";
import { directPair, groupOf, person, send } from "../support.ts";
import { orderOf, replaced, runJob } from "./with-kills.ts";

/** What an erasure costs: calls of objects, and statements of D1. */

afterEach(() => {
  vi.restoreAllMocks();
});

test("two conversations: two calls of each object, one of each inbox, and statements of D1", async () => {
  const { alice, bob, conversationId } = await directPair();
  await groupOf(alice, bob, await person());
  for (let i = 0; i < 10; i++) await send(alice, conversationId, `message ${i}`);
  const erased = vi.spyOn(Conversation.prototype, "erase");
  const forgot = vi.spyOn(Inbox.prototype, "forget");
  const emptied = vi.spyOn(Inbox.prototype, "erase");
  const prepared = vi.spyOn(env.DB, "prepare");
  let steps = 0;
  const restore = replaced("erase-user", (kind) => {
    if (!kind) throw new Error("no such kind");
    return {
      ...kind,
      step: (...given) => {
        steps++;
        return kind.step(...given);
      },
    };
  });
  const order = orderOf("erase-user", { userId: alice.userId, messages: "clear" }, alice.userId);
  const { view } = await runJob(order, { kills: false });
  restore();
  expect(view.state).toBe("done");
  expect([erased, forgot, emptied].map(({ mock }) => mock.calls.length)).toEqual([4, 2, 1]);
  // Three of the steps wait. The projections of both conversations and the reports of the job are among them.
  expect(steps).toBeLessThan(20);
  expect(prepared.mock.calls.length).toBeLessThan(120);
}, 60_000);
