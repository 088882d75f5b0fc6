import { beforeEach, describe, expect, test } from "vitest";
import { type Caller, openLive } from "../../support.ts";
import {
  CHATS,
  contentsOf,
  directChat,
  edit,
  expectInvalid,
  expectRefusal,
  remove,
  send,
} from "./chats.ts";

let alice: Caller;
let bob: Caller;
let chatId: string;

beforeEach(async () => {
  ({ alice, bob, chatId } = await directChat());
});

const key = { clientMessageId: "key-1" };

describe("POST /api/chat/:id/messages with a repeated key", () => {
  test("201 with the original, marked as a repetition, and no second event", async () => {
    const socket = await openLive(bob, chatId);
    const first = await send(alice, chatId, "once", key);
    expect(first.body.data.deduplicated).toBeUndefined();
    const again = await send(alice, chatId, " once ", key);
    expect(again.status).toBe(201);
    expect(again.body).toEqual({
      success: true,
      data: { message: first.body.data.message, deduplicated: true },
    });
    await send(alice, chatId, "last");
    await socket.next("message", ({ message }) => message.content === "last");
    expect(socket.all("message")).toHaveLength(2);
  });

  test("201 with the key in a header, which is equivalent to the body's", async () => {
    const path = `${CHATS}/${chatId}/messages`;
    const header = { "Idempotency-Key": "key-1" };
    const first = await alice.post(path, { content: "once" }, header);
    const again = await send(alice, chatId, "once", key);
    expect(again.body.data).toEqual({ ...first.body.data, deduplicated: true });
    expect(await contentsOf(alice, chatId)).toEqual(["once"]);
  });

  test("201 with the current state of the message, after an edit and after a deletion", async () => {
    const { _id } = (await send(alice, chatId, "once", key)).body.data.message;
    await edit(alice, chatId, _id, "edited");
    const afterEdit = (await send(alice, chatId, "once", key)).body.data;
    expect(afterEdit).toMatchObject({ deduplicated: true, message: { _id, content: "edited" } });
    await remove(alice, chatId, _id);
    const afterDelete = (await send(alice, chatId, "once", key)).body.data;
    expect(afterDelete).toMatchObject({ deduplicated: true, message: { _id, content: "" } });
    expect(afterDelete.message.deletedAt).not.toBeNull();
  });

  test("201 with a separate message for each sender: the scope of a key is its sender", async () => {
    await send(alice, chatId, "once", key);
    const answer = await send(bob, chatId, "once", key);
    expect(answer.body.data.deduplicated).toBeUndefined();
    expect(await contentsOf(alice, chatId)).toEqual(["once", "once"]);
  });

  test("201 regardless of the order of fields in metadata", async () => {
    await send(alice, chatId, "once", { ...key, metadata: { a: 1, b: { c: 2, d: 3 } } });
    const again = await send(alice, chatId, "once", {
      ...key,
      metadata: { b: { d: 3, c: 2 }, a: 1 },
    });
    expect(again.body.data.deduplicated).toBe(true);
  });

  test("201 for ten concurrent requests creates one message", async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => send(alice, chatId, "once", key)),
    );
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(201));
    expect(new Set(answers.map((answer) => answer.body.data.message._id)).size).toBe(1);
    expect(answers.filter((answer) => answer.body.data.deduplicated)).toHaveLength(9);
    expect(await contentsOf(alice, chatId)).toEqual(["once"]);
  });

  test("400 with an invalid key", async () => {
    const path = `${CHATS}/${chatId}/messages`;
    const answer = await alice.post(path, { content: "x" }, { "Idempotency-Key": "k".repeat(129) });
    expectInvalid(answer, "idempotency-key");
  });

  test.each([
    ["content", { content: "twice" }],
    ["type", { type: "system" }],
    ["metadata", { metadata: { a: 1 } }],
  ])("409 with another %s", async (_, other) => {
    await send(alice, chatId, "once", key);
    const answer = await alice.post(`${CHATS}/${chatId}/messages`, {
      content: "once",
      ...key,
      ...other,
    });
    expectRefusal(answer, 409, "idempotency_conflict");
    expect(await contentsOf(alice, chatId)).toEqual(["once"]);
  });

  test("409 with another replyTo", async () => {
    const { _id } = (await send(alice, chatId, "once", key)).body.data.message;
    const answer = await send(alice, chatId, "once", { ...key, replyToMessageId: _id });
    expectRefusal(answer, 409, "idempotency_conflict");
  });
});
