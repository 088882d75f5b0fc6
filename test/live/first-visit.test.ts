import { expect, test } from "vitest";
import { directPair, groupOf, openLive, person } from "../support.ts";
import { acked } from "./answer.ts";

const FIFTY = Array.from({ length: 50 }, (_, i) => i + 1);

test("a first visit receives the newest 50 messages and the members", async () => {
  const { alice, bob, conversationId } = await directPair();
  const a = await openLive(alice, conversationId);
  for (let i = 0; i < 63; i++) a.send({ op: "send", content: `${i}` });
  await a.until(() => a.all("ack").length === 63);
  const [sync] = (await openLive(bob, conversationId)).all("sync");
  expect(sync?.messages.map(({ number }) => number)).toEqual(FIFTY.map((i) => i + 13));
  expect(sync?.members.map(({ userId }) => userId)).toEqual([alice.userId, bob.userId].sort());
  expect(sync).toMatchObject({ from: 0, to: 66, more: false });
});

test("a first visit receives all read marks of these messages, in whatever order they were read", async () => {
  const people = await Promise.all(Array.from({ length: 13 }, () => person()));
  const [alice, ...readers] = people;
  if (!alice) throw new Error("nobody");
  const group = await groupOf(...people);
  const a = await openLive(alice, group);
  for (const i of FIFTY) a.send({ op: "send", content: `${i}` });
  await a.until(() => a.all("ack").length === 50);
  const ids = a.all("ack").map(({ messageId }) => messageId);
  for (const reader of readers) {
    const socket = await openLive(reader, group);
    // Every second message, and then the rest: fifty read marks of one message each.
    await acked(socket, { op: "read", messageIds: ids.filter((_, i) => i % 2 === 0) });
    await acked(socket, { op: "read", messageIds: ids.filter((_, i) => i % 2 === 1) });
  }
  const [sync] = (await openLive(alice, group)).all("sync");
  for (const { userId } of readers) {
    const read = sync?.reads.filter((range) => range.userId === userId) ?? [];
    expect(
      FIFTY.filter((number) => read.some(({ from, to }) => from <= number && number <= to)),
    ).toEqual(FIFTY);
  }
});
