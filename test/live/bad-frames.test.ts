import { afterEach, expect, test, vi } from "vitest";
import { directPair, openLive } from "../support.ts";

afterEach(() => void vi.useRealTimers());

/** Frames of more than 64 KiB; the second in bytes, although few enough characters. */
const HUGE = "x".repeat(64 * 1024 + 1);
const WIDE = `{"op":"send","content":"${"€".repeat(22_000)}"}`;

const BAD: [name: string, frame: string | ArrayBuffer, code: string, id?: string | number][] = [
  ["binary", new Uint8Array([123, 125]).buffer, "invalid_frame"],
  ["empty binary", new ArrayBuffer(0), "invalid_frame"],
  ["empty", "", "invalid_frame"],
  ["two line ends and nothing else", "\n\n", "invalid_frame"],
  ["blanks", "   ", "invalid_frame"],
  ["not JSON", "hello?", "invalid_frame"],
  ["cut off", '{"op":"send"', "invalid_frame"],
  ["null", "null", "invalid_frame"],
  ["a number", "7", "invalid_frame"],
  ["a list", '[{"op":"typing","active":true}]', "invalid_frame"],
  ["no op", '{"id":1}', "invalid_frame", 1],
  ["unknown op", '{"op":"shout","id":"a"}', "invalid_frame", "a"],
  ["an op of the prototype", '{"op":"constructor","id":2}', "invalid_frame", 2],
  ["an op that is a list", '{"op":["send"],"id":3,"content":"x"}', "invalid_frame", 3],
  ["an id of a wrong type", '{"op":"send","id":{"a":1},"content":"x"}', "invalid_frame"],
  ["an id that is null", '{"op":"send","id":null,"content":"x"}', "invalid_frame"],
  ["an infinite id", '{"op":"send","id":1e999,"content":"x"}', "invalid_frame"],
  ["a very long id", `{"op":"send","id":"${"i".repeat(129)}","content":"x"}`, "invalid_frame"],
  ["content of a wrong type", '{"op":"send","id":4,"content":5}', "invalid_frame", 4],
  [
    "a clientMessageId with a space",
    '{"op":"send","id":5,"content":"x","clientMessageId":"a b"}',
    "invalid_frame",
    5,
  ],
  [
    "an empty clientMessageId",
    '{"op":"send","id":6,"content":"x","clientMessageId":""}',
    "invalid_frame",
    6,
  ],
  [
    "metadata that is a list",
    '{"op":"send","id":7,"content":"x","metadata":[1]}',
    "invalid_frame",
    7,
  ],
  [
    "metadata over 8 KiB",
    `{"op":"send","id":8,"content":"x","metadata":{"a":"${"m".repeat(8_192)}"}}`,
    "invalid_frame",
    8,
  ],
  ["an edit without content", '{"op":"edit","id":9,"messageId":"m"}', "invalid_frame", 9],
  ["a deletion of nothing", '{"op":"delete","id":10}', "invalid_frame", 10],
  [
    "a read of numbers instead of ids",
    `{"op":"read","id":11,"messageIds":[${"1,".repeat(20)}1]}`,
    "invalid_frame",
    11,
  ],
  ["typing as text", '{"op":"typing","id":12,"active":"yes"}', "invalid_frame", 12],
  ["a history page over the limit", '{"op":"history","id":13,"limit":101}', "invalid_frame", 13],
  ["a fractional history limit", '{"op":"history","id":14,"limit":1.5}', "invalid_frame", 14],
  ["sync since a negative revision", '{"op":"sync","id":15,"since":-1}', "invalid_frame", 15],
  ["sync without since", '{"op":"sync","id":16}', "invalid_frame", 16],
];

test.each(BAD)(
  "%s: answered with an error, and the socket stays open",
  async (_, frame, code, id) => {
    const { alice, conversationId } = await directPair();
    const socket = await openLive(alice, conversationId);
    socket.send(frame);
    // Answered after the bad frame, because it waits in the conversation's queue.
    socket.send({ op: "send", id: "then", content: "" });
    await socket.next("error", (event) => event.id === "then");
    expect(socket.all("error").map((event) => [event.id, event.code])).toEqual([
      [id, code],
      ["then", "empty_content"],
    ]);
    expect(socket.events.length).toBe(4);
  },
);

test("deeply nested metadata is accepted or rejected, and later commands are answered", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openLive(alice, conversationId);
  for (const depth of [100, 1_000, 4_000, 8_000, 30_000]) {
    const nested = "[".repeat(depth) + "]".repeat(depth);
    const deep = `{"op":"send","id":${depth},"content":"deep","clientMessageId":"k${depth}","metadata":{"a":${nested}}}`;
    socket.send(`${deep}\n{"op":"send","id":"${depth}","content":""}`);
    socket.send({ op: "send", id: "end", content: "" });
    await socket.next("error", (event) => event.id === "end");
    const answers = [...socket.all("ack"), ...socket.all("error")];
    expect(answers.filter((event) => event.id === depth)).toHaveLength(1);
    expect(answers.filter((event) => event.id === `${depth}`)).toHaveLength(1);
  }
  expect(socket.all("error").filter(({ code }) => code === "internal")).toEqual([]);
});

test.each([
  ["in characters", HUGE],
  ["in UTF-8 alone", WIDE],
])(
  "a frame over 64 KiB %s closes the socket at once, with an error that names the reason",
  async (_, frame) => {
    const { alice, conversationId } = await directPair();
    const socket = await openLive(alice, conversationId);
    socket.send(frame);
    socket.send({ op: "send", id: "late", content: "too late" });
    expect((await socket.closed).code).toBe(4400);
    expect(socket.all("error").map(({ code }) => code)).toEqual(["frame_too_large"]);
  },
);

test("the tenth bad frame closes the socket with 4400, even with valid frames between", async () => {
  const { alice, conversationId } = await directPair();
  vi.setSystemTime(Date.now());
  const socket = await openLive(alice, conversationId);
  for (let i = 0; i < 10; i++) {
    socket.send(i % 2 ? new ArrayBuffer(3) : `no ${i}`);
    socket.send({ op: "typing", active: false });
  }
  socket.send({ op: "send", id: "late", content: "too late" });
  expect((await socket.closed).code).toBe(4400);
  expect(socket.all("error").length).toBe(10);
  const again = await openLive(alice, conversationId);
  expect(again.all("sync")[0]?.messages).toEqual([]);
});

test("one bad frame is removed from the count every ten seconds", async () => {
  const { alice, conversationId } = await directPair();
  vi.setSystemTime(Date.now());
  const socket = await openLive(alice, conversationId);
  for (let i = 1; i <= 30; i++) {
    socket.send(`no ${i}`);
    await socket.until(() => socket.all("error").length === i);
    vi.setSystemTime(Date.now() + 10_000);
  }
  socket.send({ op: "send", id: "still", content: "here" });
  expect((await socket.next("ack")).id).toBe("still");
});

test("ten bad objects in one frame count as ten, and later objects of the frame are not executed", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await openLive(alice, conversationId);
  socket.send(`${"no\n".repeat(10)}{"op":"send","id":1,"content":"too late"}`);
  expect((await socket.closed).code).toBe(4400);
  expect(socket.all("error").length).toBe(10);
  const again = await openLive(alice, conversationId);
  expect(again.all("sync")[0]?.messages).toEqual([]);
});
