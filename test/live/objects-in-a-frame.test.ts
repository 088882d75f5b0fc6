import { afterEach, expect, test, vi } from "vitest";
import { directPair, openLive } from "../support.ts";

afterEach(() => void vi.useRealTimers());

test("several objects in one frame are executed in order, and each answer has the id of its object", async () => {
  const { alice, bob, conversationId } = await directPair();
  const a = await openLive(alice, conversationId);
  const b = await openLive(bob, conversationId);
  const objects = Array.from({ length: 15 }, (_, i) => ({ op: "send", id: i, content: `${i}` }));
  a.send(objects.map((object) => JSON.stringify(object)).join("\n"));
  await a.until(() => a.all("ack").length === 15);
  expect(a.all("ack").map(({ id }) => id)).toEqual(objects.map(({ id }) => id));
  expect(a.all("message").map(({ message }) => message.content)).toEqual(
    objects.map(({ content }) => content),
  );
  await b.until(() => b.all("message").length === 15);
  expect(b.all("message")).toEqual(a.all("message"));
});

test("a query after a command in the same frame sees the command's effect", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openLive(alice, conversationId);
  const objects = [
    { op: "send", id: 1, content: "one" },
    { op: "send", id: 2, content: "two" },
    { op: "send", id: 3, content: "three" },
    { op: "history", id: 4 },
  ];
  socket.send(objects.map((object) => JSON.stringify(object)).join("\n"));
  const page = await socket.next("sync", ({ id }) => id === 4);
  expect(page.messages.map(({ content }) => content)).toEqual(["one", "two", "three"]);
});

test("a bad object between valid ones is the only one rejected", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openLive(alice, conversationId);
  socket.send(
    '{"op":"send","id":1,"content":"one"}\nnonsense\n{"op":"send","id":2,"content":""}\n' +
      '{"op":"send","id":3,"content":"three"}\n',
  );
  await socket.until(() => socket.all("ack").length === 2);
  expect(socket.all("ack").map(({ id }) => id)).toEqual([1, 3]);
  expect(socket.all("error").map(({ id, code }) => [id, code])).toEqual([
    [undefined, "invalid_frame"],
    [2, "empty_content"],
  ]);
  expect(socket.all("message").map(({ message }) => message.number)).toEqual([1, 2]);
});

test("objects may also be separated by \\r\\n", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openLive(alice, conversationId);
  socket.send('{"op":"send","id":1,"content":"one"}\r\n{"op":"send","id":2,"content":"two"}\r\n');
  await socket.until(() => socket.all("ack").length === 2);
  expect(socket.all("error")).toEqual([]);
});

test("a frame of exactly 64 KiB is accepted", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openLive(alice, conversationId);
  const frame = '{"op":"send","id":1,"content":"whole"}';
  socket.send(frame + " ".repeat(64 * 1024 - frame.length));
  expect((await socket.next("ack")).id).toBe(1);
});

test("more than 20 commands a second, not counting sends: the first one over is refused and the others are ignored", async () => {
  const { alice, conversationId } = await directPair();
  vi.setSystemTime(Date.now());
  const socket = await openLive(alice, conversationId);
  for (let id = 0; id < 30; id++) socket.send({ op: "history", id, limit: 1 });
  socket.send({ op: "typing", id: "typing", active: true });
  socket.send({ op: "send", id: "send", content: "not counted" });
  await socket.next("ack", ({ id }) => id === "send");
  expect(
    socket
      .all("sync")
      .slice(1)
      .map(({ id }) => id),
  ).toEqual(Array.from(Array(20).keys()));
  expect(socket.all("error").map(({ id, code }) => [id, code])).toEqual([[20, "rate_limited"]]);
  expect(socket.all("error")[0]?.retryAfterMs).toBe(1_000);
  vi.setSystemTime(Date.now() + 1_000);
  socket.send({ op: "history", id: "later" });
  expect((await socket.next("sync", ({ id }) => id === "later")).messages.length).toBe(1);
});

test("a send with files counts towards the 20, because it queries D1 before any other limit", async () => {
  const { alice, conversationId } = await directPair();
  vi.setSystemTime(Date.now());
  const socket = await openLive(alice, conversationId);
  for (let id = 0; id < 20; id++) socket.send({ op: "history", id, limit: 1 });
  socket.send({ op: "send", id: "file", attachments: ["none"] });
  expect((await socket.next("error")).code).toBe("rate_limited");
  vi.setSystemTime(Date.now() + 1_000);
  socket.send({ op: "send", id: "file", attachments: ["none"] });
  expect((await socket.next("error")).code).toBe("unknown_attachments");
});

test("commands of one socket do not count against another socket", async () => {
  const { alice, conversationId } = await directPair();
  vi.setSystemTime(Date.now());
  const [one, two] = await Promise.all([
    openLive(alice, conversationId),
    openLive(alice, conversationId),
  ]);
  for (let id = 0; id < 21; id++) one.send({ op: "history", id, limit: 1 });
  await one.next("error");
  two.send({ op: "history", id: "mine" });
  expect((await two.next("sync")).id).toBe("mine");
});
