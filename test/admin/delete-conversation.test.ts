import { beforeAll, expect, test } from "vitest";
import { fireUntilEnd } from "../jobs/with-kills.ts";
import { type Caller, directPair, person, send } from "../support.ts";

let admin: Caller;
beforeAll(async () => {
  admin = await person("admin", { role: "admin" });
});

test("smoke", async () => {
  const { alice, bob, conversationId } = await directPair();
  await send(alice, conversationId, "secret words");
  const { status, body } = await admin.delete(`/api/admin/conversations/${conversationId}`, {
    reason: "asked for",
  });
  expect([status, body.job?.state]).toEqual([202, "running"]);
  const end = await fireUntilEnd(body.job.id, 20);
  expect(end).toMatchObject({ state: "done", result: { members: 2 } });
  expect((await bob.get(`/api/v1/chat/messages?conversationId=${conversationId}`)).status).toBe(
    404,
  );
  const again = await alice.post("/api/v1/chat/conversations/direct", { otherUserId: bob.userId });
  expect(again.body.conversationId).not.toBe(conversationId);
  const found = await bob.post("/api/v1/chat/conversations/direct", { otherUserId: alice.userId });
  expect(found.body.conversationId).toBe(again.body.conversationId);
});
