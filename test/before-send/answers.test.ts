import { expect, test } from "vitest";
import { directPair, evict, send } from "../support.ts";
import { ALLOW, hooked, reject, replace, says, secretOf, undoHooked } from "./hook.ts";
import type { Behaviour } from "./hook-server.ts";

/** What the before-send hook is sent, and how its answers are taken, against a server on loopback. */

undoHooked();

async function texts(caller: Awaited<ReturnType<typeof directPair>>["alice"], id: string) {
  const { body } = await caller.get(`/api/v1/chat/messages?conversationId=${id}`);
  return body.items.map(({ content }: { content: string }) => content);
}

test("a question arrives as documented, signed so that standardwebhooks accepts it", async () => {
  const hook = await hooked({}, [secretOf(2), secretOf(1)]);
  const { alice, bob, conversationId } = await directPair();
  const first = await send(bob, conversationId, "hello");
  const sent = await send(alice, conversationId, " hello yourself ", {
    ...{ replyToMessageId: first.body.messageId, clientMessageId: "k-1" },
    ...{ mentions: [bob.userId], metadata: { mood: "good" } },
  });
  expect(sent.status).toBe(201);
  const [, asked] = await hook.asked();
  expect(asked?.verified).toEqual([true, true]);
  const body = JSON.parse(asked?.raw ?? "");
  expect(asked?.headers).toMatchObject({
    "webhook-id": body.id,
    "content-type": "application/json",
    "user-agent": "Parley",
  });
  expect(body).toEqual({
    type: "message.send",
    id: expect.stringMatching(/^[\w-]{22}$/),
    conversation: { id: conversationId, kind: "direct", title: null },
    sender: { userId: alice.userId, name: null, role: "user" },
    message: {
      text: "hello yourself",
      attachments: [],
      replyTo: first.body.messageId,
      mentions: [bob.userId],
      metadata: { mood: "good" },
    },
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
  });
});

test.each<[what: string, answer: object, status: number, stored: string[]]>([
  ["allow", ALLOW, 201, ["a text"]],
  ["allow, with fields of a later version", { ...ALLOW, score: 0.1 }, 201, ["a text"]],
  ["reject", reject("Be kind."), 400, []],
  ["replace", replace("a t**t"), 201, ["a t**t"]],
  ["replace, trimmed like any text", replace(" other \r\n"), 201, ["other"]],
  ["replace by nothing: rejected", replace(" "), 400, []],
  ["replace by a text that is too long: rejected", replace("x".repeat(2_001)), 400, []],
  ["replace by no text: rejected", { action: "replace", text: 7 }, 400, []],
  ["replace without a text: rejected", { action: "replace" }, 400, []],
])("an answer to %s", async (_, answer, status, stored) => {
  const hook = await hooked();
  const { alice, conversationId } = await directPair();
  await hook.answers(["a text", says(answer)]);
  const sent = await send(alice, conversationId, "a text");
  expect(sent.status).toBe(status);
  if (status === 400) expect(sent.body.code).toBe("rejected");
  expect(await texts(alice, conversationId)).toEqual(stored);
});

test.each([
  ["a message of the hook", "Be kind.\nPlease.", "Be kind.\nPlease."],
  ["one that is too long is cut", "x".repeat(501), "x".repeat(500)],
  ["one with control characters is left out", "a\u0007", expect.stringMatching(/not accepted/)],
  ["an empty one", " ", expect.stringMatching(/not accepted/)],
  ["none", undefined, expect.stringMatching(/not accepted/)],
  ["one that is no text", 7, expect.stringMatching(/not accepted/)],
])("what the sender of a rejected message is shown: %s", async (_, message, shown) => {
  const hook = await hooked();
  const { alice, conversationId } = await directPair();
  await hook.answers(["a text", says({ action: "reject", message })]);
  const { status, body } = await send(alice, conversationId, "a text");
  expect([status, body.code, body.error]).toEqual([400, "rejected", shown]);
});

const FAILURES: [what: string, behaviour: Behaviour][] = [
  ["a status of 500", { status: 500, body: JSON.stringify(reject()) }],
  ["a status of 401", { status: 401 }],
  ["a redirect", { status: 302, headers: { Location: "/elsewhere" } }],
  ["no body", { status: 200 }],
  ["a status without a body", { status: 204 }],
  ["no JSON", { status: 200, body: "allow" }],
  ["JSON that is no answer", says("allow")],
  ["an unknown action", says({ action: "hide" })],
  [
    "a body that is too long",
    { status: 200, body: `{"action":"reject","message":"${"x".repeat(200_000)}"}` },
  ],
  ["a body without an end", "endless"],
  ["a connection that ends", "reset"],
  ["no answer", "hold"],
];

test.each(FAILURES)(
  "%s: sent where it fails open, refused where it fails closed",
  async (_, behaviour) => {
    const hook = await hooked({ MODERATION_TIMEOUT_MS: 300 });
    const { alice, conversationId } = await directPair();
    await hook.answers(["a text", behaviour]);
    expect((await send(alice, conversationId, "a text")).status).toBe(201);
    const closed = await hooked({ MODERATION_FAILS: "closed", MODERATION_TIMEOUT_MS: 300 });
    await closed.answers(["another", behaviour]);
    await evict(conversationId);
    const { status, body } = await send(alice, conversationId, "another");
    expect([status, body.code]).toEqual([503, "unavailable"]);
    expect(await texts(alice, conversationId)).toEqual(["a text"]);
    expect(await closed.askedAbout("another")).toHaveLength(1);
  },
);

test("nobody listens: the same", async () => {
  await hooked({ MODERATION_URL: "http://127.0.0.1:1/hook" });
  const { alice, conversationId } = await directPair();
  expect((await send(alice, conversationId, "a text")).status).toBe(201);
  await hooked({ MODERATION_URL: "http://127.0.0.1:1/hook", MODERATION_FAILS: "closed" });
  await evict(conversationId);
  expect((await send(alice, conversationId, "another")).body.code).toBe("unavailable");
});

test("without a hook nobody is asked", async () => {
  const hook = await hooked({ MODERATION_URL: undefined });
  const { alice, conversationId } = await directPair();
  expect((await send(alice, conversationId, "a text")).status).toBe(201);
  expect(await hook.asked()).toEqual([]);
});
