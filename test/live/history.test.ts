import { beforeEach, expect, test } from "vitest";
import { type Caller, directPair, openLive, type Socket, send } from "../support.ts";
import { acked, answerTo } from "./answer.ts";

let alice: Caller;
let conversationId: string;
let socket: Socket;
const ids: string[] = [];

/** 70 messages; `ids[n]` is the id of message n. */
beforeEach(async () => {
  ({ alice, conversationId } = await directPair());
  socket = await openLive(alice, conversationId);
  for (let number = 1; number <= 70; number++) {
    ids[number] = conversationId.slice(0, -2) + number.toString(16).padStart(2, "0");
    socket.send({ op: "send", content: `message ${number}` });
  }
  await socket.until(() => socket.all("ack").length === 70);
});

/** The first and last number of a page, its length, and whether there are more messages. */
async function page(fields: object) {
  const answer = await answerTo(socket, { op: "history", ...fields });
  if (answer.type !== "sync") throw new Error(JSON.stringify(answer));
  const numbers = answer.messages.map(({ number }) => number);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(answer).not.toHaveProperty("to");
  expect(answer).toMatchObject({ members: [], reads: [], conversation: null });
  return [numbers[0], numbers.at(-1), numbers.length, answer.more];
}

test("without a position: the newest messages", async () => {
  expect(await page({})).toEqual([21, 70, 50, true]);
  expect(await page({ limit: 5 })).toEqual([66, 70, 5, true]);
  expect(await page({ limit: 70 })).toEqual([1, 70, 70, false]);
  expect(await page({ limit: 100 })).toEqual([1, 70, 70, false]);
});

test("the messages before a message", async () => {
  expect(await page({ before: ids[21] })).toEqual([1, 20, 20, false]);
  expect(await page({ before: ids[21]?.toUpperCase(), limit: 20 })).toEqual([1, 20, 20, false]);
  expect(await page({ before: ids[21], limit: 19 })).toEqual([2, 20, 19, true]);
  expect(await page({ before: ids[1] })).toEqual([undefined, undefined, 0, false]);
});

test("the messages after a message", async () => {
  expect(await page({ after: ids[10], limit: 10 })).toEqual([11, 20, 10, true]);
  expect(await page({ after: ids[60], limit: 10 })).toEqual([61, 70, 10, false]);
  expect(await page({ after: ids[70] })).toEqual([undefined, undefined, 0, false]);
});

test("the messages around a message, including it", async () => {
  expect(await page({ around: ids[30], limit: 10 })).toEqual([25, 34, 10, true]);
  expect(await page({ around: ids[30], limit: 1 })).toEqual([30, 30, 1, true]);
  expect((await page({ around: ids[1], limit: 10 }))[0]).toBe(1);
  expect((await page({ around: ids[70], limit: 10 }))[1]).toBe(70);
});

test("an id that names no message of this conversation is rejected as a position", async () => {
  const other = await directPair();
  const { body } = await send(other.alice, other.conversationId, "elsewhere");
  for (const id of [body.messageId, conversationId, "nothing", ""]) {
    for (const by of ["before", "after", "around"]) {
      expect(await answerTo(socket, { op: "history", [by]: id })).toMatchObject({
        type: "error",
        code: "message_not_found",
      });
    }
  }
});

test("the id of a message that does not exist yet is rejected as a position", async () => {
  const future = `${conversationId.slice(0, -4)}ffff`;
  for (const by of ["before", "after", "around"]) {
    expect(await answerTo(socket, { op: "history", [by]: future })).toMatchObject({
      type: "error",
      code: "message_not_found",
    });
  }
});

test("consecutive pages return the whole history, the same as REST", async () => {
  await acked(socket, { op: "edit", messageId: ids[7], content: "edited" });
  await acked(socket, { op: "delete", messageId: ids[8] });
  const whole: string[] = [];
  let before: string | undefined;
  for (let more = true; more; ) {
    const answer = await answerTo(socket, { op: "history", limit: 9, ...(before && { before }) });
    if (answer.type !== "sync") throw new Error(JSON.stringify(answer));
    whole.unshift(...answer.messages.map(({ id, content }) => `${id} ${content}`));
    before = answer.messages[0]?.id;
    more = answer.more;
  }
  const { body } = await alice.get(
    `/api/v1/chat/messages?conversationId=${conversationId}&pageSize=100`,
  );
  const items: { messageId: string; content: string }[] = body.items;
  expect(whole).toEqual(items.map(({ messageId, content }) => `${messageId} ${content}`).reverse());
});
